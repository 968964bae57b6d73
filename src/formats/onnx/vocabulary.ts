/**
 * @file Networks of texts as ONNX models: the metadata `vocabulary` say how many different tokens one takes
 * whose samples are [2, 1, tokens], the low and the high bytes of tokens (src/models/text-encoder.ts).
 */
import type { Model } from '../../models/model.ts'
import type { OnnxFile } from './file.ts'

/** What two bytes hold. */
const MOST = 65_536

/** What a file says of a model. */
export const vocabularyText = ({ vocabulary }: Pick<Model, 'vocabulary'>): Record<string, string> =>
  vocabulary === undefined ? {} : { vocabulary: String(vocabulary) }

/** What is known of a network with such samples; nothing where its file says nothing of tokens. */
export function vocabularyIn({ metadata }: OnnxFile, [bytes, rows]: Model['image']): Pick<Model, 'vocabulary'> {
  const vocabulary = Number(metadata.vocabulary)
  const isOfTexts = bytes === 2 && rows === 1 && Number.isInteger(vocabulary) && vocabulary > 1 && vocabulary <= MOST
  return isOfTexts ? { vocabulary } : {}
}
