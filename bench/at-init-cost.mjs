// What scores at initialization cost for ResNet-18: seconds and peak memory of every criterion, beside one
// training epoch over the same samples and beside PyTorch. node bench/at-init-cost.mjs [--samples 1000]
// [--methods a,b] [--torch-samples 100] [--out docs/results/at-init-cost.md]
import { execFileSync, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { synthetic } from '../dist/data.js'
import { findModel, Network, openMachine, prune, Scoring, saliencies } from '../dist/index.js'
import { writeAtomically } from '../dist/util/files.js'
import { debianVersion, environmentOf, missing, PYTHON, settings } from './pytorch.mjs'
import { machineText } from './report.mjs'

const BATCH = 100
const SPARSITY = 0.9
const EPOCH = 'one epoch of training'
const { values: flags } = parseArgs({
  options: {
    samples: { type: 'string', default: '1000' },
    methods: { type: 'string', default: Object.keys(saliencies).join() },
    'torch-samples': { type: 'string', default: '100' },
    out: { type: 'string', default: 'docs/results/at-init-cost.md' },
    /** In a process of its own, whose peak memory is that of one criterion. */
    only: { type: 'string' },
  },
})
const samples = Number(flags.samples)

if (flags.only) console.log(JSON.stringify(await measure(flags.only)))
else writeAtomically(flags.out, await report())

async function measure(what) {
  const scoring = what === EPOCH ? undefined : scoringOf(what)
  const data = synthetic({ image: [3, 32, 32], train: samples, test: 4 })
  const programs = scoring?.programs
  const network = new Network({
    machine: await openMachine(),
    model: findModel('resnet18'),
    data,
    batch: Math.min(BATCH, samples),
    programs,
  })
  const start = performance.now()
  if (scoring) prune(network, { method: scoring, sparsity: SPARSITY })
  else for (let at = 0; at < samples; at += BATCH) network.step(network.indices.train.subarray(at, at + BATCH))
  const seconds = (performance.now() - start) / 1000
  return { seconds, peak: process.resourceUsage().maxRSS * 1024, engine: network.machine.description }
}

function scoringOf(method) {
  const loss = saliencies[method].needs?.some((need) => need !== 'flow')
  return new Scoring({ method, ...(loss && { samples }) })
}

/**
 * What a criterion is for bench/pytorch-at-init.py, and how many of its units make up all of it; undefined
 * where nothing is measured.
 */
function torchWork(method) {
  const { needs = [], rounds } = saliencies[method]
  const times = rounds?.count ?? 1
  if (needs.includes('flow')) return { kind: 'flow', units: times, tried: 3 }
  if (needs.some((need) => need.startsWith('hessianGradient'))) return { kind: 'grasp', units: samples / 50, tried: 1 }
  if (needs.includes('hessianDiagonal')) return { kind: 'hutchinson', units: samples / 50, tried: 1 }
  if (needs.includes('squares')) return { kind: 'squares', units: samples, tried: Number(flags['torch-samples']) }
  return needs.length ? { kind: 'gradient', units: (times * samples) / 100, tried: 1 } : undefined
}

function torch(setting, kind, units) {
  const script = fileURLToPath(new URL('pytorch-at-init.py', import.meta.url))
  const args = [script, String(setting.openMp), kind, String(units)]
  const { status, stdout } = spawnSync(PYTHON, args, { env: environmentOf(setting), encoding: 'utf8' })
  return status === 0 ? JSON.parse(stdout) : undefined // A core type that this processor cannot be.
}

async function report() {
  const notes = []
  const reason = missing()
  if (reason) notes.push(`PyTorch was skipped: ${reason}.`)
  let setting
  if (!reason) {
    const threads = Math.min(cpus().length, 2)
    let least = Infinity
    for (const candidate of settings(threads, ['', 'Haswell', 'SkylakeX'])) {
      const seconds = torch(candidate, 'squares', 3)?.seconds ?? Infinity
      if (seconds < least) [least, setting] = [seconds, candidate]
    }
    const { openMp, blas, coreType, wait } = setting
    notes.push(
      `PyTorch ${debianVersion()} (Debian, OpenBLAS): OpenMP ${openMp}, OpenBLAS ${blas}${coreType && ` as ${coreType}`}, ${wait} waiting, the fastest of what was tried.`,
    )
  }
  const measured = new Map()
  const torchOf = (method) => {
    const work = setting && torchWork(method)
    if (!work) return undefined
    if (!measured.has(work.kind)) measured.set(work.kind, torch(setting, work.kind, work.tried))
    const { seconds, peak } = measured.get(work.kind)
    return { seconds: seconds * work.units, peak }
  }
  const rows = []
  let epoch
  let engine
  for (const what of [EPOCH, ...flags.methods.split(',')]) {
    const own = JSON.parse(
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--only', what, '--samples', String(samples)], {
        encoding: 'utf8',
      }),
    )
    epoch ??= own.seconds
    engine = own.engine
    const other = what === EPOCH ? undefined : torchOf(what)
    const cells = [own.seconds.toFixed(1), (own.seconds / epoch).toFixed(2), megabytes(own.peak)]
    const beside = other
      ? [other.seconds.toFixed(1), megabytes(other.peak), (other.seconds / own.seconds).toFixed(1)]
      : ['', '', '']
    rows.push([what, ...cells, ...beside])
    console.log(rows.at(-1).join('  '))
  }
  const head = ['', 'seconds', 'epochs', 'peak MB', 'PyTorch, seconds', 'peak MB', 'times as fast']
  return `# What pruning at initialization costs

Measured with \`node bench/at-init-cost.mjs --samples ${samples} --torch-samples ${flags['torch-samples']}\` on ${machineText()}; engine: ${engine}. ResNet-18 for CIFAR, ${samples} images of
noise over patterns, ${100 * SPARSITY} % sparsity, each criterion in a process of its own: scores, masks, all rounds. Peaks are of whole processes, with the network as it is trained (batch ${BATCH}). "epochs": beside one
training epoch over the same images.

PyTorch computes the scores alone, and a part of them: gradients of ${flags['torch-samples']} single samples in a loop, one batch of 100 (of 50 for products with the Hessian), three rounds of SynFlow. Its times are scaled from
there to all samples and rounds.

${markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'r'] })}

${notes.join('\n')}
`
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0)
}
