/**
 * @file Writes a report as one HTML page that fetches nothing: its data as JSON, and the script that shows
 * them (site/report). Without scripts it has its tables. It is light or dark as the reader's system is.
 */
import { escapeHtml, toHtml } from './formats/html.ts'
import { pageFile } from './page-file.ts'
import { paletteStyle } from './pictures/theme.ts'
import type { Report } from './report.ts'
import type { ReportView } from './view.ts'

/** Throws UserError where the script was not built. */
export function page({ means, each }: Report, view: ReportView): string {
  const { title, summary, facts, notes, origin, version } = view
  const list = (items: readonly string[]) => items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')
  const facted = origin.map(([name, text]) => `<div><dt>${name}</dt><dd>${escapeHtml(text)}</dd></div>`).join('')
  const section = (html: string) => `<section class="card"><div class="sideways">${html}</div></section>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${pageFile('views.css')}${paletteStyle()}</style>
</head>
<body class="report">
<header class="wide">
<h1>${escapeHtml(title)}</h1>
${summary ? `<p class="lead">${escapeHtml(summary)}</p>\n` : ''}<ul class="facts">${list(facts)}</ul>
</header>
<main class="wide">
${section(toHtml(means, view.means.best))}
${notes.map((note) => `<p class="remark">${escapeHtml(note)}</p>`).join('\n')}
${view.each ? `<h2>Every run</h2>\n${section(toHtml(each))}` : ''}
<section class="card origin"><dl>${facted}</dl></section>
<noscript><p class="remark">With scripts, this page also shows curves, and tables can be sorted.</p></noscript>
</main>
<footer class="wide soft">Espalier ${escapeHtml(version)}</footer>
<script type="application/json" id="data">${inScript(JSON.stringify(view))}</script>
<script>${pageFile('report.js')}</script>
</body>
</html>
`
}

/** JSON that no HTML parser takes for the end of its element, nor for a comment. */
const inScript = (json: string): string => json.replaceAll('<', '\\u003c')
