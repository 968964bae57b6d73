/** @file The work of espalier report. */
import { basename, dirname, extname, join, relative } from 'node:path'
import { toCsv } from '../../report/formats/csv.ts'
import { toLatex } from '../../report/formats/latex.ts'
import { toMarkdown } from '../../report/formats/markdown.ts'
import type { Format } from '../../report/formats/names.ts'
import { type LinkedPicture, markdownReport } from '../../report/markdown-report.ts'
import { type Report, reportOf } from '../../report/report.ts'
import { UserError } from '../../util/errors.ts'
import { makeFolder, writeAtomically } from '../../util/files.ts'
import { optional } from '../../util/optional.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { checkOutput } from '../flags/output-file.ts'
import { currentIo } from '../io.ts'

export interface ReportOptions {
  format?: Format
  output?: string
  svg?: string
  force?: boolean
  each?: boolean
  json?: boolean
}

const endings: Record<string, Format> = { '.md': 'markdown', '.csv': 'csv', '.tex': 'latex', '.html': 'html' }

export async function report(folders: string[], options: ReportOptions): Promise<void> {
  const format = formatOf(options)
  const all = reportOf(folders)
  if (options.json) return printJson(all.runs.map(({ last }) => last))
  if (options.svg !== undefined) makeFolder(options.svg)
  if (options.output !== undefined) checkOutput(options.output, { inputs: [], force: options.force })
  const pictures = options.svg === undefined ? [] : await writePictures(all, options.svg, options)
  if (format === undefined) return print(inTerminal(all, options.each ?? false))
  const text = await written(all, format, pictures, { folders, options })
  if (options.output === undefined) {
    currentIo().stdout.write(text)
    return
  }
  writeAtomically(options.output, text)
  print(`written: ${[options.output, ...pictures.map(({ file }) => file)].join(', ')}`)
}

function formatOf({ format, output, svg, force }: ReportOptions): Format | undefined {
  if (force && output === undefined && svg === undefined) throw new UserError('--force needs -o or --svg')
  if (output === undefined) return format
  const found = endings[extname(output)]
  if (format !== undefined && found !== undefined && found !== format)
    throw new UserError(`-o ${output}: expected a name for --format ${format}, found one for ${found}`)
  if (format !== undefined) return format
  if (!found)
    throw new UserError(
      `-o ${output}: expected a name that ends in ${Object.keys(endings).join(', ')}, or --format beside it`,
    )
  return found
}

/** Loaded where they are needed: the libraries behind pictures take most of a second. */
const drawing = <T>(load: () => Promise<T>): Promise<T> =>
  optional(['vega', 'vega-lite'], 'a report with pictures', load)

/** Columns that go where the terminal has no room for them, the first ones first. */
const EXPENDABLE = [
  'precision, %',
  'recall, %',
  'validation top-5, %',
  'validation F1, %',
  'F1, %',
  'top-5, %',
  'train loss',
  'validation loss',
  'training set, %',
  'before pruning, %',
  'of all, %',
  'seconds',
  'file, kB',
  'MFLOP',
  'pruned, %',
  'validation, %',
  'asked for',
  'published, %',
]

const inTerminal = ({ each: all, means, notes }: Report, each: boolean): string =>
  [fitting(toMarkdown(each ? all : means), EXPENDABLE, { elsewhere: '--format markdown' }), '', ...notes].join('\n')

async function written(
  report: Report,
  format: Format,
  pictures: readonly LinkedPicture[],
  { folders, options }: { folders: readonly string[]; options: ReportOptions },
): Promise<string> {
  const table = options.each ? report.each : report.means
  if (format === 'csv') return toCsv(table)
  if (format === 'latex') return toLatex(table)
  const shown = { ...report, means: table }
  if (format === 'markdown') return markdownReport(shown, pictures)
  const [{ page }, { reportView }] = await Promise.all([import('../../report/page.ts'), import('../../report/view.ts')])
  return page(shown, await reportView(shown, { command: commandOf(folders, options) }))
}

/** The command that makes the same report of the same folders. */
const commandOf = (folders: readonly string[], { format, output, each }: ReportOptions): string =>
  [
    'espalier report',
    ...folders.map((folder) => (/\s/.test(folder) ? JSON.stringify(folder) : folder)),
    ...(each ? ['--each'] : []),
    ...(format === undefined ? [] : ['--format', format]),
    ...(output === undefined ? [] : ['-o', output]),
  ].join(' ')

/**
 * Writes all pictures into a folder; their paths are those from the report's folder, `file` those from here.
 */
async function writePictures(
  report: Report,
  folder: string,
  { output, force }: Pick<ReportOptions, 'output' | 'force'>,
): Promise<(LinkedPicture & { file: string })[]> {
  const [{ drawFile }, { picturesOf }] = await drawing(() =>
    Promise.all([import('../../report/pictures/draw.ts'), import('../../report/pictures/index.ts')]),
  )
  const from = output === undefined ? '.' : dirname(output)
  const pictures = (await picturesOf(report.groups.groups)).map((picture) => {
    return { picture, file: join(folder, `${picture.name}.svg`) }
  })
  for (const { file } of pictures) checkOutput(file, { inputs: [], force })
  for (const { picture, file } of pictures) writeAtomically(file, await drawFile(picture))
  return pictures.map(({ picture: { title, caption }, file }) => {
    return { title, caption, file, path: join(relative(from, folder), basename(file)).replaceAll('\\', '/') }
  })
}
