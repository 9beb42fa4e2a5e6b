// The theme, and a warning when the numbers are no longer refreshed.
(() => {
  const root = document.documentElement;
  const OLD_MS = 10000;
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const preferred = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.dataset.theme = stored() ?? preferred();

  document.addEventListener("click", (event) => {
    if (event.target.id !== "theme") return;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it is not kept */ }
  });

  let answered = Date.now();
  const fetched = window.fetch;
  window.fetch = async (...request) => {
    const answer = await fetched(...request);
    if (answer.ok) answered = Date.now();
    return answer;
  };
  setInterval(() => {
    const age = document.getElementById("age");
    if (!age) return;
    const silent = Date.now() - answered;
    age.textContent = silent > OLD_MS
      ? `Not refreshed for ${Math.round(silent / 1000)} s: is the dashboard running?` : "";
    age.className = silent > OLD_MS ? "old" : "";
  }, 1000);
})();
