// What the tests ask of an open report. An object of functions; each gives plain data.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const spoken = (text) => text.replace(/\s+/g, " ").trim();

  // A place a person can find again: the nearest id or section, the element, its text.
  const place = (element) => {
    const home = element.closest("[id]");
    const classes = [...element.classList].map((one) => "." + one).join("");
    const where = home && home !== element ? `#${home.id} ` : "";
    const id = element.id ? `#${element.id}` : "";
    const words = spoken(element.getAttribute("aria-label") ?? element.textContent).slice(0, 60);
    return `${where}${element.localName}${id}${classes} «${words}»`;
  };

  // Kept for those who listen to a page, not shown: a box of one pixel.
  const unseen = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const box = one.getBoundingClientRect();
      if (box.width <= 1 && box.height <= 1 && getComputedStyle(one).overflow !== "visible") return true;
    }
    return !element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  };

  const boxOf = (element) => {
    let box = element;
    while (["inline", "contents"].includes(getComputedStyle(box).display)) box = box.parentElement;
    return box;
  };

  const ownText = (element) => [...element.childNodes].filter(
    (node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  const past = (inner, outer) => Math.max(outer.left - inner.left, inner.right - outer.right);

  const number = (cell) => {
    const value = cell?.dataset.value;
    return value === undefined || value.trim() === "" || Number.isNaN(Number(value)) ? null : Number(value);
  };

  const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]);

  return {
    repeatedIds: () => {
      const ids = all("[id]").map((one) => one.id);
      return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
    },

    brokenLinks: () => all("a").filter((link) => {
      const to = link.getAttribute("href") ?? "";
      return !spoken(link.innerText || link.textContent) || !to
        || (to.startsWith("#") && !document.getElementById(decodeURIComponent(to.slice(1))));
    }).map((link) => `${link.getAttribute("href")}: ${place(link)}`),

    nInternalLinks: () => all("a[href^='#']").length,

    headings: () => all("h1, h2, h3, h4, h5, h6").map(
      (one) => [Number(one.localName[1]), spoken(one.textContent).slice(0, 60)]),

    tags: () => [...new Set(all("*").map((one) => one.localName))].sort(),

    actingAttributes: () => all("*").flatMap((one) => [...one.attributes]
      .filter((each) => each.name.startsWith("on") || /^\s*(javascript|data|vbscript):/i.test(each.value))
      .map((each) => `${one.localName} ${each.name}=${each.value.slice(0, 60)}`)),

    // Text that is wider than the box it stands in, or hidden by it.
    sticking: () => {
      const found = [];
      for (const cell of all("td")) {
        // a phone shows the heading before the cell; a mark may end two pixels past it
        const past = cell.scrollWidth - cell.clientWidth;
        if (past > 3 && getComputedStyle(cell, "::before").display === "block" && !unseen(cell))
          found.push(`${past} px, heading «${cell.dataset.head}»: ${place(cell)}`);
      }
      for (const element of all("body *")) {
        if (element.closest("svg, script, style, noscript") || !ownText(element).length) continue;
        if (unseen(element)) continue;
        const box = boxOf(element);
        const edges = [box];
        if (getComputedStyle(box).position === "absolute" && box.offsetParent) edges.push(box.offsetParent);
        const range = document.createRange();
        let worst = 0;
        for (const node of ownText(element)) {
          range.selectNodeContents(node);
          for (const piece of range.getClientRects())
            for (const edge of edges) worst = Math.max(worst, past(piece, edge.getBoundingClientRect()));
        }
        const style = getComputedStyle(box);
        const hides = ["hidden", "clip"].includes(style.overflowX);
        if (hides) worst = Math.max(worst, box.scrollWidth - box.clientWidth);
        if (["hidden", "clip"].includes(style.overflowY))
          worst = Math.max(worst, box.scrollHeight - box.clientHeight);
        if (worst > 1) found.push(`${worst.toFixed(0)} px: ${place(element)}`);
      }
      return found;
    },

    // Lines of text, outside of drawings, that share a place. Fonts reach past their line
    // by a pixel or two.
    overlaps: () => {
      const range = document.createRange();
      const lines = all("body *").flatMap((element) => {
        if (element.closest("svg, script, style, noscript") || !ownText(element).length || unseen(element)) return [];
        return ownText(element).flatMap((node) => {
          range.selectNodeContents(node);
          return [...range.getClientRects()].map((box) => ({ box, node, element }));
        });
      }).sort((one, other) => one.box.top - other.box.top);
      const found = new Set();
      lines.forEach(({ box, node, element }, at) => {
        for (let next = at + 1; next < lines.length && lines[next].box.top < box.bottom - 3; next += 1) {
          const other = lines[next];
          const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
          if (across > 3 && other.node !== node) found.add(`${place(element)} and ${place(other.element)}`);
        }
      });
      return [...found];
    },

    tooWide: () => {
      const wide = document.documentElement.scrollWidth;
      if (wide <= window.innerWidth) return [];
      const guilty = all("body *").filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1
        && !all("*", one).some((inner) => inner.getBoundingClientRect().right > window.innerWidth + 1));
      return [`${wide} px of ${window.innerWidth}`, ...guilty.slice(0, 5).map(place)];
    },

    // Text of drawings that leaves its drawing, or stands on other text.
    drawings: () => {
      const found = [];
      for (const svg of all("svg")) {
        const frame = svg.getBoundingClientRect();
        if (!frame.width) continue;
        const name = place(svg.parentElement).slice(0, 90);
        const texts = all("text", svg).filter((one) => one.textContent.trim() && !unseen(one))
          .map((one) => [one.getBoundingClientRect(), spoken(one.textContent).slice(0, 40)]);
        texts.forEach(([box, words], at) => {
          const out = Math.max(past(box, frame), frame.top - box.top, box.bottom - frame.bottom);
          if (out > 1) found.push(`${out.toFixed(0)} px outside: «${words}» in ${name}`);
          for (const [other, others] of texts.slice(at + 1)) {
            const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
            const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
            if (across > 1 && down > 1)
              found.push(`${across.toFixed(0)} x ${down.toFixed(0)} px on each other: «${words}» «${others}» in ${name}`);
          }
        });
      }
      return found;
    },

    // Words of letters alone that a line's end cuts in two where no hyphen is asked for.
    cutWords: () => {
      const range = document.createRange();
      const found = new Set();
      for (const element of all("body *")) {
        if (element.closest("svg, script, style") || !ownText(element).length || unseen(element)) continue;
        if (getComputedStyle(element).hyphens === "auto") continue;
        for (const node of ownText(element))
          for (const word of node.data.matchAll(/(?<!\S)[«("]?\p{L}{3,}[»"),.;:?!]?(?!\S)/gu)) {
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
            if (lines.size > 1) found.add(`«${word[0]}» in ${place(element)}`);
          }
      }
      return [...found];
    },

    tallCells: () => all("td, th, li, dd, h3").filter((one) => one.offsetHeight > window.innerHeight)
      .map((one) => `${one.offsetHeight} px: ${place(one)}`),

    emptyChapters: () => all("main section").filter((one) =>
      !one.querySelector("table, figure, dl, li, .note")).map(place),

    // Height of letters on the screen: a drawing shrinks with its page.
    tinyWords: () => all("svg").flatMap((svg) => {
      const wide = svg.viewBox.baseVal.width;
      const scale = wide ? svg.getBoundingClientRect().width / wide : 1;
      const sizes = all("text", svg).filter((one) => one.textContent.trim())
        .map((one) => parseFloat(getComputedStyle(one).fontSize) * scale);
      const least = Math.min(...sizes);
      return least < 8 ? [`${least.toFixed(1)} px: ${place(svg.parentElement).slice(0, 90)}`] : [];
    }),

    // All that is read or spoken, drawings and labels included, by text node.
    words: () => {
      const found = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (parent.closest("script, style")) continue;
        const text = spoken(walker.currentNode.data);
        // a place where a long name may break is no end of a word
        if (walker.currentNode.previousSibling?.localName === "wbr") found.at(-1)[1] += text;
        else found.push([place(parent), text]);
      }
      const labels = all("[aria-label]").map((one) => [place(one), one.getAttribute("aria-label")]);
      return [...found, ...labels, ["title", document.title]];
    },

    nDrawnTexts: () => all("svg text").length,

    // What a page of paper may cut: rows, figures, findings and headings of two lines.
    cutOnPaper: () => all("tbody tr, figure, article.finding, h2, h3, h4").filter((one) =>
      getComputedStyle(one).breakInside !== "avoid").map(place),

    // Bars are boxes without text: a printer leaves their colour out unless told otherwise.
    blankOnPaper: () => all("main *, header *").filter((one) => {
      const style = getComputedStyle(one);
      const seen = one.getBoundingClientRect();
      return !one.closest("svg") && !one.textContent.trim() && seen.width * seen.height > 0
        && style.backgroundColor !== "rgba(0, 0, 0, 0)" && style.printColorAdjust !== "exact";
    }).map(place),

    // Cells that are read as numbers and hold no number to sort by.
    numbersWithoutValue: () => all("table.sortable tbody td").filter((cell) =>
      ["right", "end"].includes(getComputedStyle(cell).textAlign) && /\d/.test(cell.textContent)
      && cell.dataset.value === undefined).map(place),

    // Every column of every sortable table: pressed twice, what its cells and headings say.
    sorting: () => all("table.sortable").flatMap((table, tableAt) => {
      const heads = [...table.tHead.rows[0].cells];
      const said = () => heads.map((head) => head.getAttribute("aria-sort"));
      const state = (at) => ({
        values: rowsOf(table).map((row) => number(row.cells[at])),
        nWords: rowsOf(table).filter((row) => number(row.cells[at]) === null
          && (row.cells[at].dataset.value ?? "").trim()).length,
        rows: rowsOf(table).map((row) => row.textContent),
        sorted: said(),
      });
      return heads.flatMap((head, at) => {
        const button = head.querySelector("button[type=button]");
        if (!button) return [];
        const before = state(at);
        button.click();
        const once = state(at);
        button.click();
        return [{ name: `table ${tableAt}, ${spoken(head.textContent)}`, at, before, once, twice: state(at) }];
      });
    }),
  };
})()
