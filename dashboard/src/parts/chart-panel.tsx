import { ChartLine, Download, Image, Rows3 } from 'lucide-react'
import { useState, type ReactNode, type RefObject } from 'react'
import { IconButton } from './button.js'
import { save } from './chart-files.js'
import css from './chart-panel.module.css'
import { Panel } from './panel.js'

/** What can be had of a chart that is drawn. */
export interface Drawn {
  /** As it is seen, with its ground, its title and what its colours mean. */
  readonly picture: () => Promise<Blob>
}

export interface ChartPanelProps {
  readonly title: string
  readonly note?: ReactNode | undefined
  /** What files are called, without what they end with. */
  readonly fileName: string
  readonly isEmpty: boolean
  /** In place of a chart that would be empty. */
  readonly nothing?: string
  /** What is drawn, and against what. */
  readonly controls?: ReactNode
  /** The same, where they say something of the chart but not of its numbers. */
  readonly chartControls?: ReactNode
  /** Its numbers, for who reads rather than looks. */
  readonly table: () => ReactNode
  readonly csv: () => Blob
  readonly drawn: RefObject<Drawn | null>
  readonly children: ReactNode
}

/** The frame of every chart: to look at, to read as a table, to take along as a picture or as numbers. */
export function ChartPanel(props: ChartPanelProps) {
  const { title, note, fileName, isEmpty, nothing = 'Nothing to draw yet' } = props
  const { controls, chartControls, table, csv, drawn, children } = props
  const [isTable, setIsTable] = useState(false)
  const savePicture = async (): Promise<void> => {
    if (drawn.current !== null) save(await drawn.current.picture(), `${fileName}.png`)
  }
  const actions = (
    <>
      {!isTable && chartControls}
      {controls}
      <IconButton
        label={isTable ? 'Show as a chart' : 'Show as a table'}
        icon={isTable ? ChartLine : Rows3}
        isDisabled={isEmpty}
        onPress={() => setIsTable(!isTable)}
      />
      <IconButton
        label="Save as PNG"
        icon={Image}
        isDisabled={isTable || isEmpty}
        onPress={() => void savePicture()}
      />
      <IconButton
        label="Save as CSV"
        icon={Download}
        isDisabled={isEmpty}
        onPress={() => save(csv(), `${fileName}.csv`)}
      />
    </>
  )
  return (
    <Panel title={title} actions={actions} {...(note === undefined ? {} : { note })}>
      {isEmpty ? <p className={css['nothing']}>{nothing}</p> : isTable ? table() : children}
    </Panel>
  )
}
