/**
 * The versions of the delegate whose rules are known. `tflite-2.10` made the published measurements; `litert-2026` is what was
 * read in August 2026. The Winograd conditions are the same in both.
 */
export type GpuRuleSet = "tflite-2.10" | "litert-2026";

/** What is asked of the delegate when it is created. */
export interface GpuOptions {
  /** Which version's rules; default `tflite-2.10`. */
  rules?: GpuRuleSet;
  /** Arithmetic of the kernels; float16 is the delegate's default, also for float32 networks. */
  precision?: "float16" | "float32";
  /** `--gpu_inference_for_sustained_speed`: allows the special fused kernels on every vendor. Default false. */
  sustainedSpeed?: boolean;
}

/** Options with their defaults filled in. */
export type GpuSettings = Required<GpuOptions>;

/** Fills in the defaults, those of `benchmark_model`. */
export function completeGpuOptions(options: GpuOptions): GpuSettings {
  return {
    rules: options.rules ?? "tflite-2.10",
    precision: options.precision ?? "float16",
    sustainedSpeed: options.sustainedSpeed ?? false,
  };
}
