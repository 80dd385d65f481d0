/** Colours a chart is drawn with; CSS colour strings. Measured is always blue and predicted always orange. */
export interface ChartTheme {
  text: string;
  muted: string;
  grid: string;
  surface: string;
  measured: string;
  measuredFill: string;
  predicted: string;
  predictedFill: string;
  /** Tolerance bands and what stands for nothing measured or predicted. */
  band: string;
  neutral: string;
  neutralFill: string;
  /** Samples and parts that do not count. */
  dropped: string;
  warning: string;
}

export const lightTheme: ChartTheme = {
  text: "#1c2430",
  muted: "#566173",
  grid: "#e3e7ed",
  surface: "#ffffff",
  measured: "#1d5fc4",
  measuredFill: "#1d5fc4cc",
  predicted: "#b9530a",
  predictedFill: "#e07b2440",
  band: "#8793a526",
  neutral: "#6b7686",
  neutralFill: "#6b768666",
  dropped: "#98a2b0",
  warning: "#a32a2a",
};

export const darkTheme: ChartTheme = {
  text: "#e6eaf0",
  muted: "#a3adbc",
  grid: "#2c343f",
  surface: "#171c23",
  measured: "#78adff",
  measuredFill: "#78adffcc",
  predicted: "#ffa352",
  predictedFill: "#ffa35240",
  band: "#a3adbc26",
  neutral: "#96a1b1",
  neutralFill: "#96a1b166",
  dropped: "#6d7887",
  warning: "#ff8f8f",
};
