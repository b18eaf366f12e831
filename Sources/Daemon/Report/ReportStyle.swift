extension ReportPage {
    /// Colours differ in lightness too, for those who see hues alike, and lines in their dashes.
    static let style = """

        :root { color-scheme: light dark;
          --page: #fcfcfa; --card: #ffffff; --ink: #1c2024; --soft: #596068; --line: #e3e5e8;
          --first: #1767a6; --second: #c2570c; --band: #f3f4f2; --on-first: #ffffff; }
        @media (prefers-color-scheme: dark) { :root {
          --page: #14171a; --card: #1b1f23; --ink: #e8eaed; --soft: #a0a8b1; --line: #30363c;
          --first: #68b0f0; --second: #f3a05c; --band: #1d2125; --on-first: #0c1116; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1.25rem 4rem; background: var(--page);
          color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
        h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
        h2 { font-size: 1.25rem; margin: 3rem 0 .25rem; }
        h3 { font-size: 1rem; margin: 1.75rem 0 .25rem; }
        .lead { list-style: none; margin: 0; padding: 0; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
        .note { color: var(--soft); font-size: .9rem; margin: 0 0 1rem; max-width: 46rem; }
        nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-top: 1rem; font-size: .9rem; }
        a { color: var(--first); }
        .headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
          margin: 1.5rem 0 0; }
        .headlines div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
          padding: .7rem .85rem; }
        dt, dd { margin: 0; font-size: .8rem; color: var(--soft); line-height: 1.35; }
        dd.value { font-size: 1.6rem; color: var(--ink); font-weight: 600; line-height: 1.25; }
        figure { margin: 1rem 0 1.5rem; }
        figcaption { font-size: .9rem; margin-bottom: .35rem; }
        figcaption span { color: var(--soft); font-size: .8rem; }
        .plot { display: block; width: 100%; height: auto; overflow: visible; }
        .narrow { display: none; }
        @media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; max-width: 30rem; } }
        svg text { font-size: 12px; fill: var(--ink); }
        svg text.axis, svg text.muted { fill: var(--soft); }
        svg text.axis { font-size: 11px; }
        svg text.first { fill: var(--first); font-weight: 600; }
        svg text.second { fill: var(--second); font-weight: 600; }
        path { fill: none; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
        path.first { stroke: var(--first); }
        path.second { stroke: var(--second); stroke-dasharray: 5 3.5; }
        path.muted { stroke: var(--soft); }
        path.grid { stroke: var(--line); stroke-width: 1; }
        path.dashed { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
        path.faint { stroke: var(--first); stroke-opacity: .38; stroke-width: 5; }
        path.pale { stroke: var(--soft); stroke-opacity: .28; stroke-width: 5; }
        path.cell { stroke: var(--first); }
        path.paleCell { stroke: var(--soft); }
        path.cellFloor { stroke: var(--band); }
        path.cell, path.paleCell, path.cellFloor { stroke-width: 15; stroke-linecap: butt; shape-rendering: crispEdges; }
        path.lane { stroke: var(--second); stroke-width: 3; stroke-linecap: butt; shape-rendering: crispEdges; }
        path.wave { stroke: var(--soft); stroke-width: 1.6; stroke-linecap: butt; }
        path.playhead { stroke: var(--ink); stroke-width: 1.5; visibility: hidden; }
        circle.first { fill: var(--first); }
        circle.second { fill: var(--second); }
        circle.muted { fill: var(--soft); }
        circle.hollow { stroke-width: 2; fill: var(--page); }
        circle.first.hollow { stroke: var(--first); }
        circle.second.hollow { stroke: var(--second); }
        circle.muted.hollow { stroke: var(--soft); }
        rect.faint { fill: var(--band); }
        rect.first { fill: var(--first); fill-opacity: .75; }
        .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: .85rem; }
        .cards figure { margin: 0; padding: .7rem .8rem .5rem; background: var(--card); border: 1px solid var(--line);
          border-radius: .5rem; }
        .cards circle.hollow { fill: var(--card); }
        .pair { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
        .scrolling { overflow-x: auto; margin: .5rem 0 1rem; }
        .scrolling:focus-visible { outline: 2px solid var(--first); }
        table { border-collapse: collapse; font-size: .85rem; min-width: 100%; }
        caption { text-align: start; color: var(--soft); padding-bottom: .35rem; }
        th, td { padding: .28rem .6rem; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top;
          font-weight: 400; }
        th:first-child { padding-inline-start: 0; }
        thead th { color: var(--soft); white-space: nowrap; vertical-align: bottom; }
        .numbers { text-align: end; white-space: nowrap; }
        .words { white-space: nowrap; }
        .sound { min-width: 8.5rem; overflow-wrap: anywhere; }
        .sound span { display: block; color: var(--soft); font-size: .75rem; line-height: 1.3; }
        .confusion { min-width: 0; }
        .confusion td { text-align: center; min-width: 2.6rem; padding: .35rem .3rem; border: 1px solid var(--page);
          background: color-mix(in srgb, var(--first) calc(var(--share) * 100%), var(--band)); }
        .confusion td.strong { color: var(--on-first); }
        .confusion td.right { outline: 1px solid var(--soft); outline-offset: -2px; }
        .confusion td.found { background: none; color: var(--soft); text-align: end; }
        .confusion thead th { text-align: center; }
        .confusion th { border: 0; white-space: nowrap; }
        .verdicts { margin: .5rem 0 0; font-size: .85rem; }
        .verdicts p { margin: 0 0 .35rem; display: flex; flex-wrap: wrap; gap: .3rem .4rem; align-items: baseline; }
        .verdicts .heading { color: var(--soft); min-width: 5.5rem; }
        .verdicts .none { color: var(--soft); }
        .chip { border: 1px solid var(--line); background: var(--card); border-radius: 1rem; padding: .02rem .6rem; }
        .chip b { color: var(--first); font-weight: 600; }
        .verdicts p:last-child .chip b { color: var(--second); }
        audio { display: block; width: 100%; height: 2.4rem; margin-top: .35rem; }
        summary { cursor: pointer; color: var(--first); font-size: .9rem; padding: .25rem 0; }
        @media print { details { display: none; } section { break-inside: avoid-page; } }

        """
}
