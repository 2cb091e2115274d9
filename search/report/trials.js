// A panel with everything about one trial, opened by its row, its point in a figure, or its address: #trial-7.
(() => {
  const source = document.querySelector("#trial-details script");
  if (!source) return;
  const known = JSON.parse(source.textContent);
  const dialog = document.querySelector("dialog"), title = dialog.querySelector("h2"), panel = dialog.querySelector("div");
  const make = (tag, text = "", attributes = {}) => Object.assign(document.createElement(tag), { textContent: text }, attributes);

  function table(caption, headings, rows) {
    const box = make("div", "", { className: "scroll", tabIndex: 0 }), element = make("table");
    if (caption) element.append(make("caption"));
    element.caption?.append(make("span", caption));
    const line = (cells, headed) => {
      const row = make("tr");
      cells.forEach((text, index) => row.append(make(headed || !index ? "th" : "td", text, headed ? { scope: "col" } : index ? {} : { scope: "row" })));
      return row;
    };
    element.append(make("thead"), make("tbody"));
    element.tHead.append(line(headings, true));
    element.tBodies[0].append(...rows.map((cells) => line(cells, false)));
    box.append(element);
    return box;
  }

  function curves(trial) {
    const names = ["overall", ...known.tasks];
    const data = names.map((name, index) => ({
      x: trial.rungs, y: trial.curve[index], name, mode: "lines+markers", line: { width: index ? 1.5 : 3 },
    }));
    return { data, layout: { ...known.layout, height: 320 } };
  }

  function fill(number) {
    const trial = known.trials[number], best = known.trials[known.best];
    title.textContent = `Trial ${number}`;
    panel.replaceChildren(make("p", trial.words));
    for (const text of trial.notes) panel.append(make("p", text, { className: "soft" }));
    if (trial.error) panel.append(make("pre", trial.error, { tabIndex: 0 }));
    if (trial.rungs.length) {
      const figure = make("div", "", { className: "figure", role: "img", ariaLabel: `Learning curves of trial ${number}` });
      panel.append(make("h3", "Learning curves"), figure);
      figures.draw(figure, curves(trial));
      const names = ["overall", ...known.tasks];
      panel.append(table("Dev scores at every rung", ["examples", ...names], trial.rungs.map((rung, at) => [rung.toLocaleString("en"), ...names.map((_, index) => trial.curve[index][at].toFixed(4))])));
    }
    const compared = best && known.best !== number;
    const rows = known.settings.map((path, at) => [path, trial.settings[at] ?? "", ...(compared ? [best.settings[at] ?? ""] : [])]).filter((row) => row[1] || row[2]);
    panel.append(make("h3", "Settings"), table("", ["setting", `trial ${number}`, ...(compared ? [`best, trial ${known.best}`] : [])], rows));
    if (compared && trial.rungs.length) {
      panel.append(make("h3", "Set it beside the best one"), make("pre", known.compare.replace("NUMBER", number), { tabIndex: 0 }));
    }
  }

  function open(number) {
    if (!(number in known.trials)) return;
    if (!dialog.open) dialog.showModal();
    fill(number);
    dialog.scrollTop = 0;
    history.replaceState(null, "", `#trial-${number}`);
  }
  dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });  // beside the panel

  const rows = document.querySelector(".trial-table");
  function addButtons() {  // a row is clicked, but a keyboard needs something to rest on
    for (const { cells: [cell] } of rows.tBodies[0].rows) {
      if (!cell.firstElementChild) cell.replaceChildren(make("button", cell.textContent, { type: "button" }));
    }
  }
  addButtons();
  rows.addEventListener("rows", addButtons);
  rows.tBodies[0].addEventListener("click", (event) => open(event.target.closest("tr").cells[0].textContent));
  document.addEventListener("figure-point", ({ detail }) => open(detail));
  const fromAddress = () => { const named = location.hash.match(/^#trial-(\d+)$/); if (named) open(named[1]); };
  addEventListener("hashchange", fromAddress);
  fromAddress();
})();
