/** @file Writes a report as a Markdown document, whose pictures lie in files beside it. */
import { toMarkdown } from './formats/markdown.ts'
import type { Report } from './report.ts'

/** A picture, with the path of its file as the document names it. */
export interface LinkedPicture {
  title: string
  caption: string
  path: string
}

export function markdownReport(
  { title, summary, means, each, notes, runs }: Report,
  pictures: readonly LinkedPicture[],
): string {
  return [
    `# ${title}`,
    ...(summary ? [summary] : []),
    toMarkdown(means),
    ...notes,
    ...pictures.flatMap((picture) => [
      `## ${picture.title}`,
      `![${picture.title}](${encodeURI(picture.path)})`,
      picture.caption,
    ]),
    ...(runs.length > means.rows.length ? ['## Runs', toMarkdown(each)] : []),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}
