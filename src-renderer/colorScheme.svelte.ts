import { darkTheme, lightTheme } from "./charts/theme.ts";
import type { ChartTheme } from "./charts/theme.ts";

const query = matchMedia("(prefers-color-scheme: dark)");

class ColorScheme {
  dark = $state(query.matches);

  constructor() {
    query.addEventListener("change", () => {
      this.dark = query.matches;
    });
  }

  /** The colours charts are drawn in now. */
  get chartTheme(): ChartTheme {
    return this.dark ? darkTheme : lightTheme;
  }
}

export const colorScheme = new ColorScheme();
