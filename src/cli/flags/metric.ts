/**
 * @file What --metric names: a module of somebody's own whose default export measures a network. It is a
 * function of a batch, whose numbers are averaged over samples, or a class whose objects take the batches of
 * one pass one by one and then say what they come to.
 */
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Metric, MetricBatch, MetricRun, MetricValues } from '../../train/metric.ts'
import { shown } from '../../util/check-schema.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'

const EXPECTED = 'expected a function of a batch, or a class with the methods add and value'
const isFunction = (value: unknown): value is (...args: unknown[]) => unknown => typeof value === 'function'
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The measure of a module. Throws UserError where there is none. */
export async function readMetric(path: string): Promise<Metric> {
  readBytes(path)
  const module = await loaded(path)
  const made: unknown = module.default
  if (made === undefined) throw new UserError(`${path} has no default export: ${EXPECTED}`)
  if (!isFunction(made)) throw new UserError(`${path}: its default export is ${shown(made)}, ${EXPECTED}`)
  const { better = 'high' } = module
  if (better !== 'high' && better !== 'low')
    throw new UserError(`${path}: better is ${shown(better)}, expected 'high' or 'low'`)
  const methods: object = made.prototype ?? {}
  const found = ['add', 'value'].filter((name) => isFunction(Reflect.get(methods, name)))
  if (found.length === 1)
    throw new UserError(`${path}: its default export is a class with ${found[0]} alone, ${EXPECTED}`)
  const begin = found.length === 2 ? () => ofClass(made, path) : () => averaged(made, path)
  return { better, begin }
}

async function loaded(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(resolve(path)).href)
  } catch (error) {
    throw new UserError(`${path} does not load: ${said(error)}`)
  }
}

/** The numbers of batches, each weighted by its samples. */
function averaged(measure: (batch: MetricBatch) => unknown, path: string): MetricRun {
  const sums = new Map<string, number>()
  let count = 0
  return {
    add: (batch) => {
      const { length } = batch.samples
      const values = valuesOf(
        guarded(path, batch, () => measure(batch)),
        path,
      )
      const other = count > 0 ? Object.keys(values).find((name) => !sums.has(name)) : undefined
      if (other !== undefined || (count > 0 && Object.keys(values).length !== sums.size))
        throw new UserError(
          `${path}: its metric gives ${Object.keys(values).join(', ')} of ${placeOf(batch)}, expected ${[...sums.keys()].join(', ')} as before`,
        )
      for (const [name, value] of Object.entries(values)) sums.set(name, (sums.get(name) ?? 0) + length * value)
      count += length
    },
    value: () => Object.fromEntries([...sums].map(([name, sum]) => [name, sum / count])),
  }
}

/** A new object of a class, which says its numbers at the end. */
function ofClass(made: (...args: unknown[]) => unknown, path: string): MetricRun {
  const run: object = guarded(path, undefined, () => Reflect.construct(made, []))
  const call = (name: string, ...args: unknown[]): unknown => Reflect.apply(Reflect.get(run, name), run, args)
  return {
    add: (batch) =>
      void checkNow(
        guarded(path, batch, () => call('add', batch)),
        path,
      ),
    value: () =>
      valuesOf(
        guarded(path, undefined, () => call('value')),
        path,
      ),
  }
}

/** The numbers of an object, or one under the name of the file. */
function valuesOf(value: unknown, path: string): MetricValues {
  checkNow(value, path)
  const entries: [string, unknown][] =
    isObject(value) && !Array.isArray(value) ? Object.entries(value) : [[basename(path, extname(path)), value]]
  if (entries.length === 0) throw new UserError(`${path}: its metric gives no number, expected one or more`)
  return Object.fromEntries(
    entries.map(([key, number]): [string, number] => {
      if (typeof number === 'number' && Number.isFinite(number)) return [key, number]
      throw new UserError(`${path}: its metric gives ${shown(number)} for ${key}, expected a finite number`)
    }),
  )
}

function checkNow(value: unknown, path: string): void {
  if (value instanceof Promise) {
    value.catch(() => {}) // It is refused whatever becomes of it.
    throw new UserError(`${path}: its metric gives a promise, expected numbers at once: no async function`)
  }
}

/** What code of others returns; what it throws in one sentence. */
function guarded<T>(path: string, batch: MetricBatch | undefined, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new UserError(`${path}: its metric threw${batch ? ` on ${placeOf(batch)}` : ''}: ${said(error)}`)
  }
}

const placeOf = ({ samples }: MetricBatch) => `test samples ${samples[0]} to ${samples[samples.length - 1]}`

const said = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : shown(error))
