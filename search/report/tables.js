// Tables that can be sorted, and those of which the page shows the first rows.
(() => {
  function rowOf(cells) {
    const row = document.createElement("tr");
    cells.forEach((text, index) => {
      const cell = document.createElement(index ? "td" : "th");
      if (!index) cell.scope = "row";
      if (text.length > 24) cell.classList.add("long");  // as those that stand in the page
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  }

  // 1,234 and -2e-05; also with what stands behind: "86 % [30, 100]", "0.70 ± 0.02", "0.61 to 0.75".
  const NUMBER = /^([+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)(?: %)?(?: (?:\[|±|to ).*)?$/i;
  const number = (text) => parseFloat(NUMBER.exec(text)?.[1].replaceAll(",", ""));
  function compare(one, other) {  // numbers by value, before words; empty cells last
    const [a, b] = [number(one), number(other)];
    if (!one || !other) return !one - !other;
    if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b) || one.localeCompare(other);
    return a - b;
  }

  function enrich(table) {
    const body = table.tBodies[0], box = table.closest(".scroll"), stored = box.querySelector("script");
    const first = body.rows.length;
    let shown = first;
    const rows = [...body.rows].map((row) => ({ row, cells: [...row.cells].map((cell) => cell.textContent) }));
    if (stored) for (const cells of JSON.parse(stored.textContent)) rows.push({ row: null, cells });
    const show = () => {
      body.replaceChildren(...rows.slice(0, shown).map((one) => (one.row ??= rowOf(one.cells))));
      table.dispatchEvent(new Event("rows"));
    };

    if (table.classList.contains("sortable")) [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = cell.textContent;
      cell.replaceChildren(button);
      button.addEventListener("click", () => {
        const direction = cell.ariaSort === "descending" ? "ascending" : "descending";
        for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
        cell.ariaSort = direction;
        const sign = direction === "descending" ? -1 : 1;
        rows.sort(({ cells: { [column]: a } }, { cells: { [column]: b } }) => (a && b ? sign : 1) * compare(a, b));
        show();
      });
    });

    const note = stored && box.nextElementSibling;
    if (note) {
      const words = note.textContent, button = document.createElement("button");
      button.type = "button";
      button.className = "plain";
      const label = () => {
        note.firstChild.textContent = shown === first ? `${words} ` : "";
        button.textContent = shown === first ? `Show all ${rows.length}` : `Show the first ${first}`;
      };
      note.replaceChildren(document.createTextNode(""), button);
      button.addEventListener("click", () => { shown = shown === first ? rows.length : first; label(); show(); });
      label();
    }
  }
  document.querySelectorAll(".scroll > table").forEach(enrich);
})();
