/**
 * @file The work of espalier doctor: the engines of this machine, optional packages, and what a training step
 * of some networks takes, so that a question about a machine can be asked with facts.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { markdownTable } from 'markdown-table'
import { layOut } from '../../engine/lay-out.ts'
import type { EngineName } from '../../engine/machine.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { findModel } from '../../models/index.ts'
import { programsOf, stepName } from '../../train/programs.ts'
import { packageFile } from '../../util/package.ts'
import { print, printJson } from '../display/output.ts'

/** Networks and batches of the papers. */
const TRAINED = [
  ['lenet-300-100', 128],
  ['resnet20', 128],
  ['wrn-28', 128],
  ['resnet18', 128],
  ['resnet50', 32],
] as const

/** Prints what there is. */
export async function doctor({ json = false }: { json?: boolean }): Promise<void> {
  const engines = [await engineOf('native'), await engineOf('wasm'), await engineOf('webgpu')]
  const [{ engine: byDefault }] = engines.filter(({ problem }) => problem === undefined)
  const { version, peerDependencies } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as {
    version: string
    peerDependencies: Record<string, string>
  }
  const found = Object.keys(peerDependencies).map((name) => ({ name, version: versionOf(name) }))
  const steps = TRAINED.map(([name, batch]) => ({ name, batch, bytes: bytesOfStep(name, batch) }))
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memory: totalmem(),
  }
  if (json) return printJson({ version, machine, engines, default: byDefault, packages: found, steps })

  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`
  print(`Espalier ${version}, Node ${machine.node}, ${machine.platform}
${machine.processors} processors (${machine.processor}), ${gb(machine.memory)} of memory
`)
  const rows = engines.map(({ engine, problem, description, mostBytes }) => [
    engine === byDefault ? `${engine} (default)` : engine,
    problem ?? description!,
    mostBytes === undefined ? '' : gb(mostBytes),
  ])
  print(markdownTable([['engine', 'here', 'largest arena'], ...rows]))
  print(`
ESPALIER_ENGINE chooses another than the default. WebGPU is never chosen by itself.

What a training step holds, beside the data set:
`)
  const limit = engines.find(({ engine }) => engine === 'webgpu')?.mostBytes
  const fits = (bytes: number) => (limit === undefined ? [] : [bytes <= limit ? 'yes' : 'no'])
  print(
    markdownTable(
      [
        ['network', 'batch', 'memory', ...(limit === undefined ? [] : ['fits WebGPU'])],
        ...steps.map(({ name, batch, bytes }) => [name, `${batch}`, gb(bytes), ...fits(bytes)]),
      ],
      { align: ['l', 'r', 'r'] },
    ),
  )
  print(`
Optional packages: ${found.map(({ name, version: here }) => `${name} ${here ?? '(not installed)'}`).join(', ')}`)
}

interface EngineFacts {
  engine: EngineName
  description?: string
  /** Why it is not there. */
  problem?: string
  /** Of an arena. */
  mostBytes?: number
}

async function engineOf(engine: EngineName): Promise<EngineFacts> {
  try {
    const { description, mostBytes } = await openMachine({ engine, threads: engine === 'native' ? undefined : 1 })
    const sets = engine === 'native' ? (await import('../../engine/machines/native.ts')).instructionSets() : []
    return { engine, description: sets.length ? `${description}; has ${sets.join(', ')}` : description, mostBytes }
  } catch (error) {
    return { engine, problem: (error as Error).message }
  }
}

/** The version of an installed package, which need not load. */
function versionOf(name: string): string | undefined {
  const paths = createRequire(import.meta.url).resolve.paths(name) ?? []
  for (const path of paths)
    try {
      return (JSON.parse(readFileSync(`${path}/${name}/package.json`, 'utf8')) as { version: string }).version
    } catch {
      // In none of the folders so far.
    }
  return undefined
}

/** Bytes of the arena of a training step on as many samples of which nothing is kept. */
function bytesOfStep(name: string, batch: number): number {
  const model = findModel(name)
  const samples = { count: batch, images: new Uint8Array(0), labels: new Uint8Array(batch) }
  const ofChannels = Array.from({ length: model.image[0] }, () => 0.5)
  const { classes, image } = model
  const data = { name, classes, image, mean: ofChannels, std: ofChannels, train: samples, test: samples }
  const { core } = programsOf({ model, data, batch }, batch)
  const { memory } = layOut({ step: core[stepName(batch)] })
  return 4 * (memory.persistent + memory.temporary) - batch * sizeOf(image)
}
