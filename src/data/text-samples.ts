/** @file Labelled texts as samples of networks that take tokens. */
import { labelArray, type Split } from './dataset.ts'
import { bytesOfTokens, textTokens } from './text-tokens.ts'

/** What a network of tokens takes. */
export interface TextSizes {
  /** Different tokens, the one that is none included; at most 65,536. */
  vocabulary: number
  /** Tokens of a text; what is longer is cut. */
  tokens: number
}

export interface LabelledText {
  text: string
  label: number
}

interface Tokenized {
  tokens: number[]
  label: number
}

/** Texts as tokens, cut to those that a network takes. */
export const tokenized = (texts: readonly LabelledText[], { vocabulary, tokens }: TextSizes): Tokenized[] =>
  texts.map(({ text, label }) => ({ tokens: textTokens(text, vocabulary).slice(0, tokens), label }))

/** Every list of tokens once, where it comes first; the label is that of the last. */
export const withoutRepeats = (texts: readonly Tokenized[]): Tokenized[] => [
  ...new Map(texts.map((one) => [one.tokens.join(), one])).values(),
]

/** Texts [count, 2, 1, tokens] as bytes (see text-tokens.ts), with labels of 0 to below `classes`. */
export function textSplit(texts: readonly Tokenized[], tokens: number, classes: number): Split {
  const labels = labelArray(classes, texts.length)
  const images = new Uint8Array(texts.length * 2 * tokens)
  texts.forEach((one, i) => {
    labels[i] = one.label
    images.set(bytesOfTokens(one.tokens, tokens), i * 2 * tokens)
  })
  return { count: texts.length, images, labels }
}

/** The mean and deviation of both rows by which bytes are taken as they are. */
export const AS_BYTES = { mean: [0, 0], std: [1 / 255, 1 / 255] } as const
