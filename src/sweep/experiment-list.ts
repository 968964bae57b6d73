/**
 * @file Experiment lists of the published program of dynamic sparse reparameterization (Mostafa & Wang 2019),
 * read as sweeps: `jobs` are command lines, each of which is a run, named by network and number of the job.
 */
import { basename, dirname, join } from 'node:path'
import { type Document, isScalar, isSeq } from 'yaml'
import { readCommand } from '../experiment/dsr/read.ts'
import { UserError } from '../util/errors.ts'
import { excerpt } from '../util/excerpt.ts'
import { readText } from '../util/files.ts'
import type { Cell, Sweep } from './cell.ts'
import { runFolder } from './job.ts'

/** Whether a file is such a list rather than a sweep. */
export const isExperimentList = (document: Document): boolean => document.has('jobs')

/**
 * The sweep of a list, with `key=value` changes to all of its recipes. Schedule files are looked for in the
 * current folder, in that of the list, and in the one above. `out` is the sweep's folder, where runs find the
 * files of others. Throws UserError, naming file and line.
 */
export function readExperimentList(
  path: string,
  document: Document,
  changes: readonly string[],
  out: string | undefined,
): Sweep {
  const jobs = document.get('jobs')
  if (!isSeq(jobs) || jobs.items.length === 0)
    throw new UserError(
      `${path}: jobs: expected a list of command lines, found ${isSeq(jobs) ? 'none' : 'another value'}`,
    )
  const text = readText(path)
  const name = basename(path).replace(/\.ya?ml$/i, '')
  const folder = out ?? join('sweeps', name)
  const lines = jobs.items.map((item) => {
    if (!isScalar(item) || typeof item.value !== 'string')
      throw new UserError(`${path}: jobs: expected command lines, found ${excerpt(String(item))}`)
    return { command: item.value, line: text.slice(0, item.range?.[0]).split('\n').length }
  })
  const listed = new Set<string>()
  const found = lines.map(({ command, line }) => {
    const source = `${path}: line ${line}`
    const { recipe, after } = readCommand(command, changes, {
      source,
      folders: ['.', dirname(path), join(dirname(path), '..')],
      runs: (run) => runFolder(folder, run),
    })
    if (listed.has(recipe.name))
      throw new UserError(`${source}: another job is called ${recipe.name}, too: expected another --job-idx`)
    listed.add(recipe.name)
    return { source, after, cell: { name: recipe.name, values: { job: recipe.name }, recipe } }
  })
  const cells = found.map(({ source, after, cell }): Cell => {
    const missing = after.find((other) => !listed.has(other))
    if (missing !== undefined)
      throw new UserError(`${source}: begins with the run ${missing}, which is no job of the list`)
    return after.length > 0 ? { ...cell, after } : cell
  })
  refuseCircles(found)
  return { name, summary: `${cells.length} jobs of ${basename(path)}`, keys: ['job'], cells }
}

/** Throws UserError, naming the line, where a job begins with files of itself, be it by way of others. */
function refuseCircles(jobs: readonly { source: string; after: readonly string[]; cell: { name: string } }[]): void {
  const open = new Set(jobs)
  for (let before = -1; before !== open.size; ) {
    before = open.size
    const waiting = new Set([...open].map(({ cell }) => cell.name))
    for (const job of open) if (job.after.every((other) => !waiting.has(other))) open.delete(job)
  }
  const [job] = open
  if (job)
    throw new UserError(
      `${job.source}: ${job.cell.name} begins with the run ${job.after.join(' and ')}, which waits for it in turn`,
    )
}
