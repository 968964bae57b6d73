/** @file YAML files that people write. What is wrong with one is said in a sentence that names it. */
import { type Document, parseDocument } from 'yaml'
import { UserError } from './errors.ts'
import { excerpt } from './excerpt.ts'
import { readText } from './files.ts'

/** Reads a file as a document that can still be changed. Throws UserError where it is no text or no YAML. */
export function readYaml(path: string): Document {
  const document = parseDocument(readText(path))
  const [problem] = document.errors
  if (problem) throw new UserError(`${path} is not valid YAML: ${yamlProblem(problem)}`)
  return document
}

/**
 * The value of a document that was read from `path`. Throws UserError where aliases have no anchor, or
 * multiply.
 */
export function plainValue(document: Document, path: string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${yamlProblem(error)}`)
  }
}

/**
 * What the YAML parser says, and where, but for the lines that show the place; of what it repeats from the
 * text no more than an excerpt.
 */
export function yamlProblem(error: unknown): string {
  const { message } = error as Error
  const [, problem, place = ''] = /^(.*?)( at line \d+, column \d+)?(:\n\n.*)?$/s.exec(message)!
  return problem.replace(/(?<=\S: |directive |sequence ).*$/s, (content) => excerpt(content)) + place
}
