/** @file The options of commands that make inputs of pixels, and of those that read ONNX models. */
import type { Command } from 'commander'
import type { ImportOptions } from '../../formats/onnx/input.ts'
import { UserError } from '../../util/errors.ts'
import { glossary, paragraphs } from '../display/width.ts'
import { oneOf } from './choices.ts'
import { type ImageOptions, planeOptions, type Size } from './images.ts'
import { repeated, whole } from './parse.ts'

export interface PreprocessingFlags extends ImageOptions<Size>, InputFlags {
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

export const layoutOption = (command: Command): Command =>
  command.option(
    '--layout <order>',
    'of the input of an ONNX model: nchw or nhwc (default: told by where its channels are)',
  )

/** What an ONNX model leaves open of its inputs. */
export interface InputFlags {
  dim?: string[]
  given?: string[]
}

/** Adds --dim and --given. */
export const inputOptions = (command: Command): Command =>
  command
    .option('--dim <name=n>', 'of an ONNX model: a size that its inputs leave open; may be given again', repeated, [])
    .option(
      '--given <input=x>',
      'of an ONNX model: an input that is always this number; may be given again',
      repeated,
      [],
    )

/** Adds what makes inputs of files: pixels, arrays and sound. */
export const preprocessingFlags = (command: Command): Command =>
  planeOptions(
    inputOptions(
      layoutOption(
        command
          .option(
            '--mean <numbers>',
            'of pixels scaled to 0..1, per channel, such as 0.5 or 0.49,0.48,0.45; data: measured on the training images',
          )
          .option('--std <numbers>', 'likewise')
          .option('--rate <n>', 'of sound: samples per second that all files must have', whole('--rate', 1, 1e7)),
      ),
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
}: Pick<PreprocessingFlags, 'layout' | 'crop' | 'size' | 'dim' | 'given'>): ImportOptions {
  const side = crop ?? size
  const plane: ImportOptions['plane'] = typeof side === 'number' ? [side, side] : side
  return {
    ...(plane && { plane }),
    ...(dim && dim.length > 0 && { sizes: assignments('--dim', dim) }),
    ...(given && given.length > 0 && { given: assignments('--given', given) }),
    ...(layout !== undefined && { layout: oneOf('--layout', layout, ['nchw', 'nhwc']) === 'nhwc' ? 'NHWC' : 'NCHW' }),
  }
}

/** Numbers by name, of texts such as `sr=16000`. Throws UserError. */
function assignments(flag: string, texts: readonly string[]): Record<string, number> {
  const entries = texts.map((text) => {
    const at = text.lastIndexOf('=')
    const [name, value] = [text.slice(0, at), text.slice(at + 1).trim()]
    if (at < 1 || value === '' || !Number.isFinite(Number(value)))
      throw new UserError(`${flag}: expected a name and a number such as name=16, found ${text}`)
    return [name, Number(value)] as const
  })
  return Object.fromEntries(entries)
}
