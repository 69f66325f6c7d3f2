// What the form of a flag does beside agent.js and htmx. It works without.
(() => {
  "use strict";

  // The number of a case stands behind the # of the help desk's link. It goes into the form of a signed flag, which is
  // sent only when somebody presses its button; an anonymous one has no such field.
  const field = document.querySelector("[data-case]");
  const named = new URLSearchParams(location.hash.slice(1)).get("case");
  if (field && named && !field.value) field.value = named;

  const typed = document.getElementById("rule_words");
  if (!typed || !window.htmx) return;

  // Enter in the search looks; it does not send a flag that is half written.
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    htmx.trigger(typed, "look");
  });

  // A list that was asked for before a rule was chosen would come without the choice.
  document.addEventListener("change", (event) => {
    if (event.target.name === "rule") htmx.trigger(typed.form, "htmx:abort");
  });

  // What was found is said to whoever does not see it come; and a list that the bar with Send would hide is scrolled
  // into view, while the bar stays where the thumb is.
  document.addEventListener("htmx:afterSwap", (event) => {
    const said = document.querySelector("#rules legend, #rules > p, #likely legend");
    const found = document.getElementById("found");
    if (found.textContent !== (said ? said.textContent : "")) found.textContent = said ? said.textContent : "";
    const list = event.target.querySelector(".pick");
    const field = document.activeElement.closest(".field");
    if (!list || !field || !field.contains(list)) return;
    const hidden = list.getBoundingClientRect().bottom > document.querySelector(".last").getBoundingClientRect().top;
    if (hidden) list.scrollIntoView({ block: "nearest" });
  });

  // A page that came back has the words, and not yet the rules that were listed for them.
  document.addEventListener("rulebook:brought-back", () => {
    let chosen = "";
    try {
      chosen = JSON.parse(sessionStorage.getItem("rulebook.draft.flag")).rule;
    } catch {
      // Nothing was kept.
    }
    document.addEventListener(
      "htmx:afterSwap",
      () => {
        const radio = [...document.querySelectorAll("input[name=rule]")].find((one) => one.value === chosen);
        if (chosen && radio) radio.checked = true;
      },
      { once: true },
    );
    setTimeout(() => htmx.trigger(typed, "look")); // when htmx has read the page, too
  });
})();
