// The switch between the system's theme, light and dark; `theme.js` applies the choice before the first paint.

const KEY = "fury-agent.theme";
const NEXT = { automatic: "light", light: "dark", dark: "automatic" };

/** Let a button go through the themes. */
export function setUpThemes(button) {
  const root = document.documentElement;
  const show = () => button.setAttribute("aria-label", `Theme: ${root.dataset.theme ?? "automatic"}`);
  button.addEventListener("click", () => {
    const theme = NEXT[root.dataset.theme ?? "automatic"];
    if (theme === "automatic") delete root.dataset.theme;
    else root.dataset.theme = theme;
    remember(theme);
    show();
  });
  show();
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this visit.
  }
}
