/** @file What an ONNX model leaves open that is no image: sizes of its inputs, and inputs of one value. */
import { type Command, InvalidArgumentError } from 'commander'

export interface ReadingFlags {
  /** Sizes by the names that the file has for them, or `<input>.<axis>`. */
  dim?: Readonly<Record<string, number>>
  /** Inputs of one value by name. */
  given?: Readonly<Record<string, number>>
  /** The output that counts. */
  onlyOutput?: string
}

/** Collects NAME=NUMBER; the last of a name counts. */
function named(text: string, before: Readonly<Record<string, number>> = {}): Record<string, number> {
  const at = text.lastIndexOf('=')
  const [name, value] = [text.slice(0, at), Number(text.slice(at + 1))]
  if (at < 1 || at === text.length - 1 || !Number.isFinite(value))
    throw new InvalidArgumentError(`Expected NAME=NUMBER, found ${text}.`)
  return { ...before, [name]: value }
}

/** Adds --dim and --given, each of which may stand several times, and --only-output. */
export const readingOptions = (command: Command): Command =>
  command
    .option(
      '--dim <name=size>',
      'a size that an ONNX model leaves open, by its name in the file or as INPUT.AXIS; may be repeated',
      named,
    )
    .option(
      '--given <name=number>',
      'the value of an input that is one number, such as sr=16000, which decides what the model does; may be repeated',
      named,
    )
    .option(
      '--only-output <name>',
      'the one output of an ONNX model that counts, such as the scores of classes of a model with several (default: all)',
    )
