/**
 * @file Writes a report as one HTML page. It has no scripts and fetches nothing, and it is light or dark as
 * the reader's system is.
 */
import { version } from '../util/version.ts'
import { escapeHtml, toHtml } from './formats/html.ts'
import { draw, type Picture } from './pictures/draw.ts'
import { darkRules } from './pictures/theme.ts'
import type { Report } from './report.ts'

export async function page(report: Report, pictures: readonly Picture[]): Promise<string> {
  const { title, summary, runs, groups, means, each, notes } = report
  const figures = []
  for (const picture of pictures)
    figures.push(
      `<figure id="${picture.name}">\n<h2>${escapeHtml(picture.title)}</h2>\n<div class="wide">${await draw(picture)}</div>\n<figcaption>${escapeHtml(picture.caption)}</figcaption>\n</figure>`,
    )
  const complete = runs.filter(({ result }) => result)
  const seconds = complete.reduce((sum, { result }) => sum + result!.seconds, 0)
  const facts = [
    ...new Set(runs.map(({ recipe }) => `${recipe.model.name} on ${recipe.data.name}`)),
    `${complete.length === runs.length ? runs.length : `${complete.length} of ${runs.length}`} ${runs.length === 1 ? 'run' : 'runs'}`,
    `${groups.groups.length} ${groups.groups.length === 1 ? 'setting' : 'settings'}`,
    ...(seconds > 0 ? [`${duration(seconds)} of training`] : []),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}@media(prefers-color-scheme:dark){${darkRules}}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
${summary ? `<p>${escapeHtml(summary)}</p>\n` : ''}<ul>${facts.map((fact) => `<li>${escapeHtml(fact)}</li>`).join('')}</ul>
</header>
<main>
<section>
<div class="wide">${toHtml(means)}</div>
${notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join('\n')}
</section>
${figures.join('\n')}
${runs.length > means.rows.length ? `<details>\n<summary>Every run</summary>\n<div class="wide">${toHtml(each)}</div>\n</details>\n` : ''}</main>
<footer>Espalier ${version()}</footer>
</body>
</html>
`
}

function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

const STYLE = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#24292f;--soft:#6e7781;--line:#e4e7eb;--stripe:#fafbfc}
@media(prefers-color-scheme:dark){:root{--page:#0f1419;--card:#171c23;--text:#e6edf3;--soft:#9aa4af;--line:#2b323b;--stripe:#1b2129}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI","Liberation Sans",sans-serif}
header,main,footer{max-width:1160px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:28px;line-height:1.2;letter-spacing:-.01em;margin:0}
header p{color:var(--soft);font-size:17px;margin:6px 0 0;max-width:70ch}
header ul{list-style:none;display:flex;flex-wrap:wrap;gap:8px;padding:0;margin:16px 0 24px}
header li{border:1px solid var(--line);background:var(--card);border-radius:999px;padding:2px 12px;font-size:13px}
section,figure,details{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 24px;margin:0 0 20px}
h2{font-size:17px;margin:0 0 12px}
.wide{overflow-x:auto}
svg{display:block;height:auto;max-width:100%}
figcaption,.note{color:var(--soft);font-size:13px;max-width:100ch}
figcaption{margin-top:10px}
.note{margin:10px 0 0}
table{border-collapse:collapse;width:100%;font-size:12.5px;font-variant-numeric:tabular-nums;margin-bottom:6px}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:2px solid var(--line);vertical-align:bottom}
th,td{padding:6px 7px}
td{border-bottom:1px solid var(--line);white-space:nowrap}
tbody tr:nth-child(even){background:var(--stripe)}
.number{text-align:right}
small{color:var(--soft);font-size:11px}
summary{cursor:pointer;font-weight:600}
details .wide{margin-top:14px}
footer{color:var(--soft);font-size:13px;padding-bottom:36px}
`
