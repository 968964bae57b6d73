/**
 * @file The agreement of C and TypeScript. kernels/kernels.def declares every kernel's arguments, the limits
 * that sizes are checked against and the meaning of codes; an engine hands that out as data
 * (kernels/declarations.c), and it is compared with src/engine/kernels when the engine loads.
 */
import { UserError } from '../../util/errors.ts'
import { codes, kernels, limits } from '../kernels/index.ts'

/** One line of kernels/kernels.def. */
export interface Declaration {
  kind: string
  /** Of a kernel, a limit or some codes. */
  name: string
  /** A kernel's arguments or the names of codes, between commas; empty for a limit. */
  list: string
  /** Of a limit, else 0. */
  value: number
}

/**
 * The number of each kernel in the engine's tables, by name. Throws UserError, naming the kernel and
 * argument, the limit or the codes, where an engine declares anything otherwise than TypeScript does;
 * `engine` is what the message calls it.
 */
export function kernelNumbers(declarations: readonly Declaration[], engine: string): Map<string, number> {
  const found = problem(declarations)
  if (found) throw new UserError(`the ${engine} engine is another build than this code: ${found}; run npm run build`)
  return new Map(of(declarations, 'kernel').map(({ name }, number) => [name, number]))
}

const of = (declarations: readonly Declaration[], kind: string) => declarations.filter((d) => d.kind === kind)

/** The first difference, in words; undefined where there is none. */
function problem(declarations: readonly Declaration[]): string | undefined {
  const inC = of(declarations, 'kernel')
  const names = kernels.map(({ name }) => name)
  return (
    missing('kernel', inC, names) ??
    missing('limit', of(declarations, 'limit'), Object.keys(limits)) ??
    missing('codes', of(declarations, 'codes'), Object.keys(codes)) ??
    first(kernels, ({ name, parameters, list }) =>
      difference(`kernel ${name}: argument`, argumentsOf(listOf(inC, name)), [...parameters, ...(list ? ['...'] : [])]),
    ) ??
    first(Object.entries(limits), ([name, value]) => {
      const there = of(declarations, 'limit').find((d) => d.name === name)?.value
      return there === value ? undefined : `limit ${name} is ${there}, expected ${value}`
    }) ??
    first(Object.entries(codes), ([name, values]) =>
      difference(
        `code ${name}`,
        listOf(of(declarations, 'codes'), name).map((code) => code.slice(name.length + 1)),
        Object.entries(values)
          .sort(([, a], [, b]) => a - b)
          .map(([code]) => code),
      ),
    )
  )
}

/** What only one side has. */
function missing(what: string, inC: readonly Declaration[], here: readonly string[]): string | undefined {
  const there = inC.map(({ name }) => name)
  const lost = here.find((name) => !there.includes(name))
  if (lost !== undefined) return `it lacks the ${what} ${lost}`
  const extra = there.find((name) => !here.includes(name))
  return extra === undefined ? undefined : `it has the ${what} ${extra}, which is unknown here`
}

function first<T>(items: readonly T[], problemOf: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = problemOf(item)
    if (found) return found
  }
  return undefined
}

const listOf = (declarations: readonly Declaration[], name: string): string[] =>
  declarations.find((d) => d.name === name)?.list.split(', ') ?? []

/** d[4] is d0, d1, d2 and d3; a list of any length is '...'. */
const argumentsOf = (list: readonly string[]): string[] =>
  list.flatMap((argument) => {
    const [, name, count] = /^(\w+)(?:\[(\d*)\])?$/.exec(argument) ?? [argument, argument]
    if (count === undefined) return [name]
    return count === '' ? ['...'] : Array.from({ length: Number(count) }, (_, i) => `${name}${i}`)
  })

/** The first place at which two lists of names differ; C writes a_outer for aOuter. */
function difference(what: string, inC: readonly string[], here: readonly string[]): string | undefined {
  const plain = (name: string | undefined) => name?.replaceAll('_', '').toLowerCase()
  for (let i = 0; i < Math.max(inC.length, here.length); i++)
    if (plain(inC[i]) !== plain(here[i]))
      return `${what} ${i} is ${inC[i] ?? 'missing'}, expected ${here[i] ?? 'no further one'}`
  return undefined
}
