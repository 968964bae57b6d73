/** @file Schedule files and command lines like those that the published program of DSR comes with. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type Values = Readonly<Record<number, number>>

/** The published schedules, by name: rates, periods and temperatures from epochs on. */
export const schedules: Readonly<Record<string, readonly [Values, Values, Values]>> = {
  wrnet_schedule: [
    { 0: 0.1, 60: 0.02, 120: 0.004, 160: 0.0008 },
    { 0: 100, 25: 200, 80: 400, 140: 800 },
    { 0: 1e-5, 25: 1e-8, 80: 1e-12, 140: 1e-15 },
  ],
  wrnet_schedule_long: [
    { 0: 0.1, 120: 0.02, 220: 0.004, 350: 0.0008 },
    { 0: 100, 25: 200, 80: 400, 140: 800 },
    { 0: 1e-5, 25: 1e-8, 80: 1e-12, 140: 1e-15 },
  ],
  wrnet_prune_schedule: [
    { 0: 0, 1: 0.02, 15: 0.02, 25: 0.004, 35: 0.0008 },
    { 0: 100, 25: 200, 50: 400, 75: 800 },
    { 0: 1e-3, 25: 1e-4, 50: 1e-5, 75: 1e-6 },
  ],
  resnet_schedule: [
    { 0: 0.1, 30: 0.01, 60: 0.001, 90: 0.0001 },
    { 0: 1000, 25: 2000, 50: 4000, 75: 8000 },
    { 0: 1e-5, 25: 1e-8, 50: 1e-12, 75: 1e-15 },
  ],
}

const list = (values: Values): string =>
  Object.entries(values)
    .map(([epoch, value]) => `  - ${epoch} : ${value}\n`)
    .join('')

/** Such a file, of its three lists. */
export const scheduleText = ([rates, periods, temperatures]: readonly [Values, Values, Values]): string =>
  `lr_schedule:\n${list(rates)}\nrewire_period_schedule:\n${list(periods)}\nDeepR_temperature_schedule:\n${list(temperatures)}`

/** Writes the schedules into `learning_schedules` in the folder. */
export function writeSchedules(folder: string): void {
  mkdirSync(join(folder, 'learning_schedules'), { recursive: true })
  for (const [name, values] of Object.entries(schedules))
    writeFileSync(join(folder, 'learning_schedules', `${name}.yaml`), scheduleText(values))
}

const wide = '--model cifar10_WideResNet --widen-factor 2 --sub-kernel-granularity 4 --initial-sparsity-fc 0.00'
const on = (schedule: string) => `--schedule-file ./learning_schedules/${schedule}.yaml`
const dense = './runs/cifar10_WideResNet_0'
const moving = `${on('wrnet_schedule')} --initial-sparsity-conv 0.9 --epochs 200 --stop-rewire-epoch 190`

/** A line of each kind of the wide residual network's list, by the number of its job. */
export const wideJobs: Readonly<Record<number, string>> = {
  0: `${wide} ${on('wrnet_schedule')} --initial-sparsity-conv 0.0 --epochs 200 --weight-decay 5.0e-4`,
  1: `${wide} ${on('wrnet_prune_schedule')} --initial-sparsity-conv 0.0 --resume ${dense} --prune-target-sparsity-fc 0.0 --prune-target-sparsity-conv 0.9 --prune-iterations 20 --post-prune-epochs 10 --prune --start-pruning-after-epoch 0 --cubic-prune-schedule`,
  6: `${wide} ${moving} --weight-decay 5.0e-4 --rewire --threshold-prune --n-prune-params 20000 --rewire-scaling`,
  11: `${wide} ${on('wrnet_schedule_long')} --initial-sparsity-conv 0.9 --epochs 400 --weight-decay 5.0e-4`,
  21: `${wide} ${moving} --weight-decay 0.0 --DeepR --DeepR_eta 0.01 --L1-loss-coeff 1.0e-5`,
  26: `${wide} ${moving} --weight-decay 5.0e-4 --rewire --rewire-fraction 0.138`,
  36: `${wide} ${on('wrnet_schedule')} --initial-sparsity-conv 0.9 --epochs 200 --weight-decay 5.0e-4 --tied`,
  79: `${wide} ${on('wrnet_schedule_long')} --initial-sparsity-conv 0.9 --epochs 400 --weight-decay 5.0e-4 --copy-mask-from ./runs/cifar10_WideResNet_6`,
}

/** The whole line of a job. */
export const jobLine = (job: number, options = wideJobs[job]): string =>
  `python main.py --no-validate-train ${options} --job-idx ${job}`
