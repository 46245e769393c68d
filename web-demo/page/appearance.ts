/** Light or dark: as the system says, until somebody chooses otherwise here. */
import { element } from "./elements.ts";
import { storedText, storeText } from "./stored-text.ts";

/** Applies the choice made earlier, and lets the button change it. */
export function chooseAppearance(): void {
  const root = document.documentElement;
  const chosen = storedText("browser", "theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  element("theme", HTMLButtonElement).addEventListener("click", () => {
    const isDark =
      root.dataset.theme === "dark" ||
      (root.dataset.theme === undefined && matchMedia("(prefers-color-scheme: dark)").matches);
    const next = isDark ? "light" : "dark";
    root.dataset.theme = next;
    storeText("browser", "theme", next);
  });
}
