// What the server does not know of: the theme, open menus, the focus, and that it is silent.
(() => {
  const root = document.documentElement;
  const OLD_MS = 10000;
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const preferred = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.dataset.theme = stored() ?? preferred();

  const close = (but) => document.querySelectorAll("details[open]").forEach((menu) => {
    if (menu !== but) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    close(event.target.closest("details"));
    if (event.target.id !== "theme") return;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it is not kept */ }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelector("details[open] summary")?.focus();
    close();
  });

  // Another page has another title; who reads it by ear or by keys begins at its top.
  let heading = "";
  new MutationObserver(() => {
    const now = document.getElementById("title")?.textContent ?? "";
    if (!now || now === heading) return;
    document.title = `${now} - Hospital admissions`;
    if (heading) document.getElementById("page").focus({ preventScroll: true });
    heading = now;
  }).observe(document.body, { childList: true, subtree: true, characterData: true });

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
    const isOld = Date.now() - answered > OLD_MS;
    const since = new Date(answered).toLocaleTimeString();
    // Said once: a screen reader reads what changes.
    const told = isOld ? `Not refreshed since ${since}: is the dashboard running?` : "";
    if (age.textContent !== told) age.textContent = told;
    age.className = isOld ? "old" : "";
  }, 1000);
})();
