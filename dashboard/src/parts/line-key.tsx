import { seriesLook } from './series-look.js'

/** How a line of a chart looks, drawn small: beside what it stands for. */
export function LineKey({ look }: { readonly look: number }) {
  const { variable, dash } = seriesLook(look)
  return (
    <svg width="18" height="8" aria-hidden="true">
      <line
        x1="0"
        y1="4"
        x2="18"
        y2="4"
        stroke={`var(${variable})`}
        strokeWidth="2"
        strokeDasharray={dash.join(' ')}
      />
    </svg>
  )
}
