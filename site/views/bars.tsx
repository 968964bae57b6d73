/** @file Bars with their names and values, in a panel: what is left of layers, what a setting costs. */

export interface Bar {
  name: string
  /** 0 to 1, of the whole width; a mark may stand elsewhere. */
  share: number
  text: string
  mark?: number
}

export function Bars({
  title,
  bars,
  color = 'var(--accent)',
}: {
  title: string
  bars: readonly Bar[]
  color?: string
}) {
  return (
    <table class="bars-panel" style={{ color }}>
      <caption>{title}</caption>
      <tbody>
        {bars.map(({ name, share, text, mark }, i) => (
          <tr key={`${i} ${name}`}>
            <th scope="row" title={name}>
              {name}
            </th>
            <td class="track" aria-hidden="true">
              <div>
                <span style={{ width: `${(100 * Math.max(0, Math.min(1, share))).toFixed(2)}%` }} />
                {mark !== undefined && <i style={{ left: `${100 * mark}%` }} />}
              </div>
            </td>
            <td class="number">{text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
