/**
 * @file The options of commands that load folders of image files, and what is said of images that were left
 * out.
 */
import type { Command } from 'commander'
import { planeOf } from '../../train/preprocessing.ts'
import { grouped } from '../../util/format.ts'
import { type Parser, pixels } from './parse.ts'

export interface ImageOptions<Size = number> {
  size?: Size
  crop?: number
  skipCorrupt?: boolean
}

/** What --size says: the shorter side of images, or their rows and columns. */
export type Size = number | readonly [rows: number, columns: number]

/**
 * Adds --size, --crop and --skip-corrupt, which mean what `data.size`, `data.crop` and `data.skipCorrupt`
 * mean in recipes.
 */
export const imageOptions = (command: Command): Command =>
  sharedOptions(command.option('--size <pixels>', 'image folders: resize the shorter side', pixels('--size')))

/**
 * The same where images may become other than square: --size takes rows x columns too, and --fit says how.
 */
export const planeOptions = (command: Command): Command =>
  sharedOptions(
    command
      .option(
        '--size <pixels>',
        'image folders: resize the shorter side, or to so many rows and columns, such as 48x192',
        sizeOf('--size'),
      )
      .option(
        '--fit <how>',
        'image folders: how images come to rows and columns: crop, letterbox or stretch (default: crop)',
      )
      .option('--gray', 'image folders: make gray of colours, for a network of one channel'),
  )

const sizeOf =
  (flag: string): Parser<Size> =>
  (text) =>
    planeOf(text) ?? pixels(flag)(text)

const sharedOptions = (command: Command): Command =>
  command
    .option('--crop <pixels>', 'image folders: cut a square out of the middle (default: of --size)', pixels('--crop'))
    .option('--skip-corrupt', 'image folders: leave out images that cannot be decoded')

/** The first few of them. */
export function leftOut(skipped: readonly string[]): string {
  const more = skipped.length > 5 ? ` and ${grouped(skipped.length - 5)} more (--json names all)` : ''
  return `left out, since they cannot be decoded: ${skipped.slice(0, 5).join(', ')}${more}`
}
