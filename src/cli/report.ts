/** @file espalier report: runs side by side, by the average of their last evaluations. */
import { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { LAST, type LastEvaluations, lastEvaluations, runFolders } from '../experiment/last-evaluations.ts'
import { grouped, percent } from '../experiment/report.ts'
import { print, printJson } from './output.ts'

export const reportCommand = new Command('report')
  .description(
    `runs side by side: the average of their last ${LAST} evaluations, and the test set where they are complete`,
  )
  .argument('[folders...]', 'run folders, or folders that hold some', ['runs'])
  .option('--json', 'print one JSON array')
  .action((folders: string[], { json }: { json?: boolean }) => {
    const runs = folders.flatMap(runFolders).map(lastEvaluations)
    if (json) return printJson(runs)
    const head = [
      'run',
      'epochs',
      'averaged',
      'train loss',
      'validation loss',
      'accuracy',
      'pruned',
      'test, dense',
      'test',
    ]
    print(markdownTable([head, ...runs.map(row)], { align: head.map((_, i) => (i === 0 ? 'l' : 'r')) }))
    print(
      `\nTrain loss, and loss and accuracy on held-out samples (data.validation), are means over the last ${LAST} epochs, or all where there are fewer; pruned: with the largest weights alone (train.gsm). The test set is read once, at the end.`,
    )
  })

const row = (run: LastEvaluations): string[] => {
  const share = (value: number | undefined) => (value === undefined ? '' : percent(value))
  const loss = (value: number | undefined) => (value === undefined ? '' : value.toFixed(4))
  return [
    ...[run.folder, grouped(run.epochs), grouped(run.averaged), loss(run.trainLoss), loss(run.validationLoss)],
    ...[share(run.validationAccuracy), share(run.prunedAccuracy), share(run.dense), share(run.final)],
  ]
}
