"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const steps = [...document.querySelectorAll("#steps > li")];
  let at = 0;
  const show = (n) => {
    at = Math.min(Math.max(n, 0), steps.length - 1);
    steps.forEach((s, i) => s.classList.toggle("on", i === at));
    find("back").disabled = at === 0;
    find("next").disabled = at === steps.length - 1;
    find("where").textContent = `Step ${at + 1} of ${steps.length}`;
  };
  find("stepper").classList.add("live");
  document.querySelector(".buttons").hidden = false;
  find("back").addEventListener("click", () => show(at - 1));
  find("next").addEventListener("click", () => show(at + 1));
  show(0);

  const data = JSON.parse(find("data").textContent);
  if (!find("finder") || !data.kinds.length) return;
  const first = find("first");
  const second = find("second");
  const option = (name) => Object.assign(document.createElement("option"), { value: name, textContent: name });
  const kindOf = (name) => data.kinds.find((k) => name in k.data[0].of);
  const fill = (select, names) => select.replaceChildren(...names.map(option));
  const percent = (share) => (share === 0 ? "none" : `${Number((100 * share).toPrecision(3))} %`);
  const say = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const list = (items) => {
    const made = document.createElement("ul");
    made.append(...items.map((text) => say("li", text)));
    return made;
  };
  const axes = (a, b) => {
    const [mine, theirs] = [data.axes[a], data.axes[b]];
    if (!mine || !theirs) return ["one of the two is not known to this version"];
    const apart = Object.keys(mine).filter((k) => mine[k] !== theirs[k]);
    return apart.map((k) => `${k}: ${mine[k] ?? "none"} beside ${theirs[k] ?? "none"}`);
  };
  const answer = () => {
    const [a, b] = [first.value, second.value];
    const shares = kindOf(a).data.map((d) => {
      const chip = Math.max(d.chip[a] || 0, d.chip[b] || 0);
      const decided = chip ? `; a chip decides up to ${percent(chip)} more` : "";
      return `${d.title}: ${percent(d.share[d.of[a]][d.of[b]])} of the blocks differ${decided}`;
    });
    const apart = axes(a, b);
    const said = apart.length ? `They differ in ${apart.length} of the axes:` : "They are the same recipe.";
    find("answer").replaceChildren(list(shares), say("p", said), list(apart));
  };
  const others = () => {
    const kept = second.value;
    const names = Object.keys(kindOf(first.value).data[0].of);
    fill(second, names);
    second.value = names.includes(kept) ? kept : names.find((n) => n !== first.value) || names[0];
    answer();
  };
  fill(first, data.kinds.flatMap((k) => Object.keys(k.data[0].of)));
  first.addEventListener("change", others);
  second.addEventListener("change", answer);
  find("finder").hidden = false;
  others();
})();
