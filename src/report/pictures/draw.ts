/** @file Draws a Vega-Lite specification as SVG, without a browser. */
import { Error as ERRORS, logger, parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { config, darkRules } from './theme.ts'

/** A picture of a report. */
export interface Picture {
  /** The name of its file without the ending. */
  name: string
  title: string
  /** What it shows, in a sentence or two. */
  caption: string
  spec: TopLevelSpec
}

/** Draws a picture as an SVG element in light colours. */
export async function draw({ spec }: Picture): Promise<string> {
  const view = new View(parse(compile({ ...spec, config }, { logger: logger(ERRORS) }).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/** Draws a picture as an SVG file that is light or dark as the page or the viewer that shows it. */
export async function drawFile(picture: Picture): Promise<string> {
  const svg = await draw(picture)
  const style = `<style>@media(prefers-color-scheme:dark){${darkRules}}</style>`
  return `${svg.replace(/^<svg[^>]*>/, (tag) => tag + style)}\n`
}
