/**
 * @file The options of commands that load folders of image files, and what is said of images that were left
 * out.
 */
import type { Command } from 'commander'
import { grouped } from '../../util/format.ts'
import { pixels } from './parse.ts'

export interface ImageOptions {
  size?: number
  crop?: number
  skipCorrupt?: boolean
}

/**
 * Adds --size, --crop and --skip-corrupt, which mean what `data.size`, `data.crop` and `data.skipCorrupt`
 * mean in recipes.
 */
export const imageOptions = (command: Command): Command =>
  command
    .option('--size <pixels>', 'image folders: resize the shorter side', pixels('--size'))
    .option('--crop <pixels>', 'image folders: cut a square out of the middle (default: of --size)', pixels('--crop'))
    .option('--skip-corrupt', 'image folders: leave out images that cannot be decoded')

/** The first few of them. */
export function leftOut(skipped: readonly string[]): string {
  const more = skipped.length > 5 ? ` and ${grouped(skipped.length - 5)} more (--json names all)` : ''
  return `left out, since they cannot be decoded: ${skipped.slice(0, 5).join(', ')}${more}`
}
