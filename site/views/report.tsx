/** @file A report of runs: their table, their curves, what is left of layers, weights, and what they cost. */
import { useState } from 'preact/hooks'
import type { GroupView, ReportView, ViewTable } from '../../src/report/view.ts'
import { type Bar, Bars } from './bars.tsx'
import { Chart } from './chart.tsx'
import { Histogram } from './histogram.tsx'
import { Mask } from './mask.tsx'
import { accuracySeries, epochSeries } from './report-series.ts'
import { short } from './scale.ts'
import { SortableTable } from './table.tsx'

const percent = (value: number): string => `${value.toFixed(2)} %`
const sparsity = (density: number): string => `${Number((100 * (1 - density)).toFixed(2))} %`

export function ReportBody({ report }: { report: ReportView }) {
  const { means, each, notes, groups, origin, weights, masks } = report
  return (
    <>
      <section class="card">
        <SortableTable table={means} label="Results" />
        {notes.map((note) => (
          <p key={note} class="remark">
            {note}
          </p>
        ))}
      </section>
      <div class="pictures">
        <Accuracy report={report} />
        <Training report={report} />
        <Parting report={report} />
        <Layers groups={groups} most={report.mostLayers} />
        {weights.panels.length > 0 && (
          <section class="card whole">
            <h2>Weights before and after</h2>
            <p class="key">
              <span class="swatch before" /> before pruning <span class="swatch now" /> at the end
            </p>
            <div class="panels small-panels">
              {weights.panels.map((panel) => (
                <Histogram key={panel.label} {...panel} />
              ))}
            </div>
            <p class="remark">{weights.caption}</p>
          </section>
        )}
        {masks.panels.length > 0 && (
          <section class="card whole">
            <h2>Masks of the first layer</h2>
            <div class="panels small-panels">
              {masks.panels.map((panel) => (
                <Mask key={panel.label} {...panel} />
              ))}
            </div>
            <p class="remark">{masks.caption}</p>
          </section>
        )}
        <Cost groups={groups} />
      </div>
      {each && <EveryRun table={each} />}
      <section class="card origin">
        <h2>Where this is from</h2>
        <dl>
          {origin.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{name === 'Command' ? <code>{text}</code> : text}</dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  )
}

/** Made when it is opened: a sweep may have thousands. */
function EveryRun({ table }: { table: ViewTable }) {
  const [open, setOpen] = useState(false)
  return (
    <details class="card" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Every run</summary>
      {open && <SortableTable table={table} label="Every run" />}
    </details>
  )
}

function Accuracy({ report }: { report: ReportView }) {
  const { dense, groups } = report
  const series = accuracySeries(report).filter(({ points }) => points.length > 0)
  if (series.reduce((sum, { points }) => sum + points.length, 0) < 2) return null
  const published = groups.some((group) => group.published.length > 0)
  return (
    <Chart
      title="Accuracy and sparsity"
      whole
      caption={`Mean test accuracy over seeds; bars are one standard deviation.${dense ? ` The dashed line is the ${dense.of === 'dense' ? 'dense network' : 'network before pruning'}.` : ''}${published ? ' Hollow circles are published figures.' : ''}`}
      series={series}
      x={{ title: 'sparsity', kind: 'density', shown: sparsity }}
      y={{ title: 'test accuracy, %', kind: 'linear', shown: percent }}
      across={dense && { value: dense.accuracy, text: `${dense.of} ${percent(dense.accuracy)}` }}
    />
  )
}

const epochAxis = { title: 'epoch', kind: 'linear', shown: String, whole: true } as const

function Training({ report }: { report: ReportView }) {
  const [loss, accuracy] = [
    epochSeries(report, (group) => group.loss),
    epochSeries(report, ({ epochAccuracy }) => epochAccuracy),
  ]
  if (!loss.some(({ points }) => points.length > 1)) return null
  const shades = loss.length > 1 ? ' Of one method, the stronger the shade, the sparser.' : ''
  const of = report.validated ? 'held-out samples' : 'training samples as they pass'
  return (
    <div class="pictures whole">
      <Chart
        title="Training loss"
        caption={`After every epoch, means over seeds.${shades}`}
        series={loss}
        x={epochAxis}
        y={{ title: 'training loss', kind: 'log', shown: short }}
      />
      <Chart
        title={report.validated ? 'Validation accuracy' : 'Training accuracy'}
        caption={`On ${of}, after every epoch, means over seeds.${shades}`}
        series={accuracy}
        x={epochAxis}
        y={{ title: 'accuracy, %', kind: 'linear', shown: percent }}
      />
    </div>
  )
}

function Parting({ report }: { report: ReportView }) {
  const vanished = epochSeries(report, (group) => group.vanished)
  const overlap = epochSeries(report, (group) => group.overlap)
  if (!vanished.some(({ points }) => points.length > 1)) return null
  const y = { title: '%', kind: 'linear', shown: percent, least: 0, most: 100 } as const
  return (
    <div class="pictures whole">
      <Chart
        title="Weights that have vanished"
        caption="Global Sparse Momentum after every epoch: the share of prunable weights below 1e-4 in magnitude."
        series={vanished}
        x={epochAxis}
        y={y}
      />
      <Chart
        title="Active weights that stay"
        caption="The share of the active weights of a step that were active at the step before."
        series={overlap}
        x={epochAxis}
        y={y}
      />
    </div>
  )
}

function Layers({ groups, most }: { groups: readonly GroupView[]; most: number }) {
  const all = groups.filter(({ layers }) => layers)
  if (all.length === 0) return null
  const left = all.length > most ? ` The first ${most} of ${groups.length} groups.` : ''
  return (
    <section class="card whole">
      <h2>Weights left in each layer</h2>
      <div class="panels">
        {all.slice(0, most).map(({ label, layers }) => (
          <Bars
            key={label}
            title={label}
            bars={layers!.map(
              ({ layer, density, text }): Bar => ({ name: layer, share: density / 100, text: `${text} %` }),
            )}
          />
        ))}
      </div>
      <p class="remark">
        Share of each prunable layer’s weights that are not zero (of tied weights, that can be learned), means over
        seeds.{left}
      </p>
    </section>
  )
}

function Cost({ groups }: { groups: readonly GroupView[] }) {
  const all = groups.filter(({ seconds, megaflops }) => seconds && megaflops)
  if (all.length === 0) return null
  const slowest = Math.max(...all.map(({ seconds }) => seconds!.mean))
  const most = Math.max(...all.map(({ megaflops }) => megaflops!.dense))
  return (
    <section class="card whole">
      <h2>Time and operations</h2>
      <div class="panels wide-panels">
        <Bars
          title="Seconds of training"
          bars={all.map(({ label, seconds }) => {
            const { mean, deviation } = seconds!
            const spread = deviation === undefined ? '' : ` ± ${deviation.toFixed(1)}`
            return { name: label, share: mean / slowest, text: `${mean.toFixed(1)}${spread}` }
          })}
        />
        <Bars
          title="MFLOP of an inference"
          bars={all.map(({ label, megaflops }) => {
            const { mean, dense } = megaflops!
            return {
              name: label,
              share: mean / most,
              mark: dense / most,
              text: `${short(mean)} (${short((100 * mean) / dense)} %)`,
            }
          })}
        />
      </div>
      <p class="remark">
        Seconds of training, means and deviations over seeds, as measured on the machine at the time (other work on it
        counts in), and operations of one inference that skips every zero; the mark is the dense network.
      </p>
    </section>
  )
}
