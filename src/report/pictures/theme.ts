/** @file Says how pictures look: the colours of a light page, and those that replace them on a dark one. */
import type { Config } from 'vega-lite'

/**
 * The colours of text and grid, light and dark. Pictures hold the light ones, so any viewer can show them.
 */
const ink = { text: ['#24292f', '#e6edf3'], soft: ['#6e7781', '#9aa4af'], grid: ['#e4e7eb', '#2b323b'] } as const

/** The colours of methods, light and dark. */
const lines = [
  ['#2563eb', '#6ea8fe'],
  ['#d9480f', '#ff9e64'],
  ['#0f8a5f', '#4fd1a1'],
  ['#9333ea', '#c792ff'],
  ['#b58900', '#f0c64f'],
  ['#c2255c', '#ff7eb0'],
  ['#0b7285', '#55d0e0'],
  ['#5c7c0f', '#a9d84f'],
  ['#7a4b2a', '#d3a17e'],
  ['#495057', '#b8c0c8'],
] as const

export const text = ink.text[0]
export const soft = ink.soft[0]
export const palette: string[] = lines.map(([light]) => light)
export const accent = palette[0]

/** The shapes of points, so that methods differ by more than colour. */
export const shapes = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down', 'triangle-right']

const font = 'system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif'

export const config: Config = {
  font,
  background: undefined,
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: soft,
    titleColor: text,
    gridColor: ink.grid[0],
    tickColor: ink.grid[0],
    domainColor: soft,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    domain: false,
    ticks: false,
    labelPadding: 6,
  },
  legend: {
    labelColor: text,
    titleColor: text,
    labelFontSize: 12,
    labelLimit: 260,
    symbolSize: 90,
    title: null,
    rowPadding: 5,
  },
  header: {
    labelColor: text,
    titleColor: text,
    labelFontSize: 12,
    labelFontWeight: 'bold',
    title: null,
    labelLimit: 230,
  },
  title: { color: text, fontSize: 12, fontWeight: 'bold', anchor: 'start' },
  text: { color: soft },
  range: { category: palette },
}

/** Rules that turn every colour of a picture into its dark counterpart. */
export const darkRules: string = [...Object.values(ink), ...lines]
  .map(([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`)
  .join('')

/** A style sheet that names the colours of methods, light and dark: `--series-0` and so on. */
export const paletteStyle = (): string => {
  const rules = (scheme: 0 | 1) => lines.map((colors, i) => `--series-${i}:${colors[scheme]}`).join(';')
  return `:root{${rules(0)}}@media(prefers-color-scheme:dark){:root{${rules(1)}}}`
}
