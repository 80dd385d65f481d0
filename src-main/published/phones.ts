/** What is known of a phone whose measurements are published. */
export interface PublishedPhone {
  name: string;
  soc: string;
  /** As its driver names it where that is known, which is what kernel rules go by. */
  gpu: string | null;
}

/*
 * The platforms of arXiv 2210.02620 (table 1) and of the data set's columns, with what their makers say of them. The lab names a GPU
 * as OpenCL or Metal does.
 */
const phones = new Map<string, PublishedPhone>([
  ["pixel4", { name: "Google Pixel 4", soc: "Qualcomm Snapdragon 855", gpu: "Adreno (TM) 640" }],
  ["s10", { name: "Samsung Galaxy S10", soc: "Samsung Exynos 9820", gpu: "Mali-G76" }],
  ["a03s", { name: "Samsung Galaxy A03s", soc: "MediaTek Helio P35", gpu: "PowerVR Rogue GE8320" }],
  ["mi8se", { name: "Xiaomi Mi 8 SE", soc: "Qualcomm Snapdragon 710", gpu: "Adreno (TM) 616" }],
  ["onefusion", { name: "Motorola One Fusion", soc: "Qualcomm Snapdragon 710", gpu: "Adreno (TM) 616" }],
  ["iphone7", { name: "Apple iPhone 7", soc: "Apple A10 Fusion", gpu: "Apple A10 GPU" }],
]);

/** What is known of a published phone by the name its columns have; one not known is only named. */
export function describePublishedPhone(id: string): PublishedPhone {
  return phones.get(id) ?? { name: id, soc: "not told", gpu: null };
}
