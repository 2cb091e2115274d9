"use strict";
// Figures stand in the page as JSON and are drawn when they come near the window: hundreds of them would take long to open.
const figures = (() => {
  const INK = { light: "#3d4754", dark: "#c3ccd6" }, GRID = { light: "#dfe3e8", dark: "#333b45" };
  const PRINTED = { wide: 660, inGrid: 320 };  // px on paper, where a figure cannot measure itself before it is laid out
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isNarrow = () => innerWidth < 600;
  const scheme = () => (dark.matches ? "dark" : "light");

  function colours(layout, scheme) {
    const changes = { "font.color": INK[scheme], "legend.font.color": INK[scheme] };
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(name)) changes[`${name}.gridcolor`] = GRID[scheme];
    }
    return changes;
  }

  function styled(layout) {
    const family = getComputedStyle(document.body).fontFamily;
    const own = { ...layout, autosize: true, font: { ...layout.font, family, color: INK[scheme()], size: isNarrow() ? 11 : 12 } };
    delete own.width;
    for (const name of Object.keys(own)) {
      if (/^[xy]axis\d*$/.test(name)) own[name] = { automargin: true, ...own[name], gridcolor: GRID[scheme()] };
    }
    if (isNarrow()) own.margin = { ...own.margin, l: Math.min(own.margin?.l ?? 48, 48), r: Math.min(own.margin?.r ?? 12, 12) };
    if (matchMedia("(pointer: coarse)").matches || isNarrow()) own.dragmode = false;  // a finger scrolls the page
    return own;
  }

  function draw(element, figure) {
    element.drawn = true;
    const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
    if (isNarrow()) config.displayModeBar = false;
    Plotly.newPlot(element, figure.data, styled(figure.layout), config);
    element.on("plotly_click", ({ points: [point] }) => {
      const named = /^trial (\d+)\b/.exec(String(point.text ?? "").replaceAll(/<[^>]*>/g, ""));
      if (named) document.dispatchEvent(new CustomEvent("figure-point", { detail: named[1] }));
    });
    element.classList.add("drawn");
  }

  const stored = (element) => JSON.parse(element.querySelector("script").textContent);
  const waiting = [];
  function drawNext() {
    const element = waiting.shift();
    try {
      if (!element.drawn) draw(element, stored(element));
    } finally {  // one that cannot be drawn keeps no other waiting
      if (waiting.length) setTimeout(drawNext);
    }
  }
  const observer = new IntersectionObserver((entries) => {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      observer.unobserve(target);
      waiting.push(target);
      if (waiting.length === 1) setTimeout(drawNext);
    }
  }, { rootMargin: "300px" });
  const all = () => [...document.querySelectorAll(".figure")];
  all().forEach((element) => observer.observe(element));

  dark.addEventListener("change", () => {
    for (const element of all()) if (element.drawn) Plotly.relayout(element, colours(element.layout, scheme()));
  });
  addEventListener("beforeprint", () => {
    for (const element of all().filter((one) => !one.closest("details:not([open]), dialog"))) {
      if (!element.drawn) draw(element, stored(element));
      const width = element.closest(".grid") ? PRINTED.inGrid : PRINTED.wide;
      Plotly.relayout(element, { width, ...colours(element.layout, "light") });
    }
  });
  addEventListener("afterprint", () => {
    for (const element of all()) {
      if (element.drawn) Plotly.relayout(element, { width: null, autosize: true, ...colours(element.layout, scheme()) });
    }
  });
  return { draw };
})();
