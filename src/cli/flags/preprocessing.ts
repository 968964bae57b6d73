/** @file The options of commands that make inputs of pixels, and of those that read ONNX models. */
import type { Command } from 'commander'
import type { ImportOptions } from '../../formats/onnx/input.ts'
import { glossary, paragraphs } from '../display/width.ts'
import { oneOf } from './choices.ts'
import { type ImageOptions, planeOptions, type Size } from './images.ts'
import { whole } from './parse.ts'
import { type ReadingFlags, readingOptions } from './reading.ts'

export interface PreprocessingFlags extends ImageOptions<Size>, ReadingFlags {
  fit?: string
  gray?: boolean
  rate?: number
  mean?: string
  std?: string
  layout?: string
  labels?: string
}

/** For help texts: what decides how pixels become inputs. */
export const precedence = (): string =>
  [
    paragraphs('How pixels become inputs is decided by the first of these that says it:'),
    glossary([
      {
        name: '  mean, std',
        summary: '--mean and --std (numbers, or data: measured on the training images); the weights file; the data set',
      },
      {
        name: '  size, crop',
        summary:
          "--size and --crop; the weights file; the network (ImageNet's: 224 pixels out of 256). Only for folders of image files.",
      },
    ]),
    paragraphs(
      'What was done is printed, also where a flag overrules the weights file. What neither flags nor file say is guessed, and called so.',
    ).trimStart(),
  ].join('\n')

/** Adds --layout, --dim, --given and --only-output. */
export const layoutOption = (command: Command): Command =>
  readingOptions(
    command.option(
      '--layout <order>',
      'of the input of an ONNX model: nchw or nhwc (default: told by where its channels are)',
    ),
  )

/** Adds what makes inputs of files: pixels, arrays and sound. */
export const preprocessingFlags = (command: Command): Command =>
  planeOptions(
    layoutOption(
      command
        .option(
          '--mean <numbers>',
          'of pixels scaled to 0..1, per channel, such as 0.5 or 0.49,0.48,0.45; data: measured on the training images',
        )
        .option('--std <numbers>', 'likewise')
        .option('--rate <n>', 'of sound: samples per second that all files must have', whole('--rate', 1, 1e7)),
    ).option(
      '--labels <file>',
      'class names in the order of the outputs, one per line; of one score, that below zero first (default: sorted)',
    ),
  )

/** What an ONNX model leaves open. Throws UserError, naming the flag. */
export function importOptions({
  layout,
  crop,
  size,
  dim,
  given,
  onlyOutput,
}: Pick<PreprocessingFlags, 'layout' | 'crop' | 'size' | 'dim' | 'given' | 'onlyOutput'>): ImportOptions {
  const side = crop ?? size
  const plane: ImportOptions['plane'] = typeof side === 'number' ? [side, side] : side
  return {
    ...(plane && { plane }),
    ...(layout !== undefined && { layout: oneOf('--layout', layout, ['nchw', 'nhwc']) === 'nhwc' ? 'NHWC' : 'NCHW' }),
    ...(dim && { sizes: dim }),
    ...(given && { given }),
    ...(onlyOutput !== undefined && { output: onlyOutput }),
  }
}
