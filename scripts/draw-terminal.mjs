/**
 * @file Draws the picture of the README from what the quickstart prints, as a terminal in light and in dark:
 *
 *     npm start | node scripts/draw-terminal.mjs "npm start" docs/quickstart
 *
 * writes docs/quickstart-light.svg and docs/quickstart-dark.svg. Nothing is drawn that was not printed. Some
 * epochs are left out, which three dots say, and so are footnotes and the time, which depends on the machine.
 */
import { writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** The colours of a scheme: window, bar, frame, text, faint text, prompt, numbers of interest. */
const schemes = {
  light: ['#ffffff', '#f0f2f4', '#d0d7de', '#24292f', '#6e7781', '#0f8a5f', '#2563eb'],
  dark: ['#0f1419', '#1b2129', '#2b323b', '#e6edf3', '#9aa4af', '#4fd1a1', '#6ea8fe'],
}

/** The width and height of a character cell, the size of the font and the room around the text, in pixels. */
const CELL = { width: 7.8, height: 19 }
const FONT = 13
const MARGIN = 18
const BAR = 34

/** The epochs that are drawn: the first two, and those around and after the first pruning. */
const isDrawn = (epoch) => epoch <= 2 || (epoch >= 8 && epoch <= 14) || epoch === 20

const [command, target] = process.argv.slice(2)
if (!command || !target) throw new Error('usage: COMMAND | node scripts/draw-terminal.mjs "COMMAND" TARGET')
const lines = drawnLines((await text(process.stdin)).split('\n'))
for (const [scheme, colours] of Object.entries(schemes)) {
  const path = `${target}-${scheme}.svg`
  writeFileSync(path, drawing(lines, colours))
  console.log(`${path}: ${lines.length} lines`)
}

/** The command and the lines of its output that are drawn, with three dots for those left out. */
function drawnLines(printed) {
  const drawn = [`$ ${command}`]
  for (const line of printed) {
    const epoch = /^epoch +(\d+) /.exec(line)?.[1]
    const kept = epoch ? isDrawn(Number(epoch)) : /^(\|(?! training time)|[\d,]+ prunable|The run is in)/.test(line)
    if (kept || (line === '' && drawn.at(-1) !== '')) drawn.push(line)
    else if (epoch && drawn.at(-1) !== '...') drawn.push('...')
  }
  return drawn.slice(0, 1 + drawn.findLastIndex((line) => line !== ''))
}

function drawing(lines, [window, bar, frame, ink, faint, prompt, accent]) {
  const width = Math.ceil(2 * MARGIN + CELL.width * Math.max(...lines.map((line) => line.length)))
  const height = BAR + 2 * MARGIN + CELL.height * lines.length
  const rows = lines.map((line, i) => {
    const y = BAR + MARGIN + CELL.height * (i + 0.75)
    return line && textAt(MARGIN, y, line.length, spans(line, { ink, faint, prompt, accent }))
  })
  const dots = [0, 1, 2].map((i) => `<circle cx="${20 + 20 * i}" cy="${BAR / 2}" r="6" fill="${frame}"/>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of ${escaped(command)}">
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="${window}" stroke="${frame}"/>
<path d="M0.5 ${BAR}V10.5a10 10 0 0 1 10-10H${width - 10.5}a10 10 0 0 1 10 10V${BAR}Z" fill="${bar}" stroke="${frame}"/>
${dots.join('\n')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT}">
${rows.filter(Boolean).join('\n')}
</g>
</svg>
`
}

/** A line whose characters fill their cells, whatever the font. */
function textAt(x, y, length, content) {
  const width = (length * CELL.width).toFixed(1)
  return `<text x="${x}" y="${y}" textLength="${width}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${content}</text>`
}

/** The parts of a line in their colours: the prompt, the rules of tables, percentages and speeds. */
function spans(line, { ink, faint, prompt, accent }) {
  if (line.startsWith('$ '))
    return `${coloured('$ ', prompt)}<tspan fill="${ink}" font-weight="bold">${escaped(line.slice(2))}</tspan>`
  if (line === '...' || /^\|[ :|-]+$/.test(line)) return coloured(line, faint)
  const parts = line.split(/(\||\b(?:epoch|loss|accuracy|sparsity)\b(?= +\d)|\d[\d.]* %|sparse, [\d.]+x)/)
  const colour = (part, i) => (i % 2 === 0 ? ink : /^\d|^sparse,/.test(part) ? accent : faint)
  return parts.map((part, i) => part && coloured(part, colour(part, i))).join('')
}

function coloured(content, fill) {
  return `<tspan fill="${fill}">${escaped(content)}</tspan>`
}

function escaped(content) {
  return content.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign])
}
