import { useEffect, useRef, type ReactNode } from 'react'
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from 'react-aria-components'
import css from './tabs.module.css'

export interface TabItem<Id extends string> {
  readonly id: Id
  readonly label: string
  /** How many there are of what it holds. */
  readonly note?: string
}

/** Parts of a page of which one is seen. Arrow keys go from one to the next. */
export function Tabs<Id extends string>({
  label,
  items,
  value,
  onChange,
  children,
}: {
  readonly label: string
  readonly items: readonly TabItem<Id>[]
  readonly value: Id
  readonly onChange: (value: Id) => void
  /** Of the one that is seen. */
  readonly children: ReactNode
}) {
  const bar = useRef<HTMLDivElement>(null)
  // On a phone not all of them fit.
  useEffect(() => {
    bar.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ inline: 'center', block: 'nearest' })
  }, [value])
  return (
    <AriaTabs
      selectedKey={value}
      onSelectionChange={(key) => onChange(key as Id)}
      // Each is fetched when it is looked at: passing by fetches nothing.
      keyboardActivation="manual"
    >
      <div ref={bar} className={css['bar']}>
        <TabList aria-label={label} className={css['list'] ?? ''}>
          {items.map((item) => (
            <Tab key={item.id} id={item.id} className={css['tab'] ?? ''}>
              {item.label}
              {item.note !== undefined && <span className={css['note']}>{item.note}</span>}
            </Tab>
          ))}
        </TabList>
      </div>
      <TabPanel id={value} className={css['panel'] ?? ''}>
        {children}
      </TabPanel>
    </AriaTabs>
  )
}
