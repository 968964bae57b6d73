/** @file The work of espalier data. */
import { markdownTable } from 'markdown-table'
import type { LoadOptions } from '../../data/formats.ts'
import { getDataset } from '../../data/get.ts'
import { datasets, loadDataset } from '../../data/index.ts'
import { originOf } from '../../data/normalization.ts'
import { sources } from '../../data/sources.ts'
import { countClasses, measureChannels } from '../../data/statistics.ts'
import { bytes, grouped } from '../../util/format.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { print, printJson } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import type { ImageOptions } from '../flags/images.ts'
import { leftOut } from '../flags/images.ts'

export interface ShowOptions extends ImageOptions {
  normalization?: string
  json?: boolean
}

export interface GetOptions {
  into?: string
  from?: string
  json?: boolean
}

export function listData(options: { json?: boolean }): void {
  const entries = Object.entries(datasets).map(([name, { summary, locate }]) => {
    const files = Object.hasOwn(sources, name) ? sources[name].files : []
    const download = files.reduce((sum, { size }) => sum + size, 0)
    return { name, summary, ...(download > 0 && { download }), ...(locate && { folder: locate() ?? null }) }
  })
  if (options.json) {
    printJson(entries)
    return
  }
  const rows = entries.map(({ name, summary, download, folder }) => [
    name,
    summary,
    download ? bytes(download) : '',
    folder === undefined ? 'built in' : (folder ?? `not here: espalier data get ${name}`),
  ])
  print(fitting(markdownTable([['data set', 'what', 'download', 'folder'], ...rows]), ['what', 'folder']))
}

export async function getData(name: string, options: GetOptions): Promise<void> {
  const display = new DataDisplay()
  try {
    const got = await getDataset(name, { ...options, onProgress: display.show })
    display.stop()
    if (options.json) return printJson({ name, ...got })
    print(got.downloaded.length > 0 ? `${name} is in ${got.folder}` : `${name} was there already: ${got.folder}`)
  } finally {
    display.stop()
  }
}

export async function showData(name: string, options: ShowOptions): Promise<void> {
  const display = new DataDisplay()
  const { json, ...rest } = options
  const result = await describe(name, { ...rest, onProgress: display.show }).finally(() => display.stop())
  if (json) return printJson(result)
  const { image, classes, train, test, skipped } = result
  print(`${classes} classes, images of ${image.join(' x ')}, loaded in ${result.seconds.toFixed(2)} s`)
  for (const [part, { count, smallestClass, largestClass }] of Object.entries({ train, test }))
    print(`${part}: ${grouped(count)} images, ${range(smallestClass, largestClass)} per class`)
  const each = (values: readonly number[]) => values.map((x) => x.toFixed(4)).join(', ')
  print(`mean ${each(result.measured.mean)} and std ${each(result.measured.std)} of the training pixels`)
  print(
    `inputs: (pixel / 255 - mean) / std with mean ${each(result.mean)} and std ${each(result.std)} (${result.origin.mean})`,
  )
  if (skipped.length > 0) print(leftOut(skipped))
}

async function describe(name: string, options: LoadOptions) {
  const started = performance.now()
  const data = await loadDataset(name, options)
  const { classes, classNames, image, mean, std, skipped = [], ...parts } = data
  const seconds = (performance.now() - started) / 1000
  const [train, test] = [parts.train, parts.test].map((split) => {
    const counts = countClasses(split, classes)
    return { count: split.count, smallestClass: Math.min(...counts), largestClass: Math.max(...counts) }
  })
  const measured = measureChannels(parts.train, image)
  return {
    name,
    classes,
    classNames,
    image,
    train,
    test,
    measured,
    mean,
    std,
    origin: originOf(data),
    skipped,
    seconds,
  }
}

const range = (least: number, most: number) =>
  least === most ? grouped(least) : `${grouped(least)} to ${grouped(most)}`
