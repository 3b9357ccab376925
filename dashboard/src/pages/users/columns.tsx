import { CircleCheck, CircleDashed, CircleOff, Ellipsis } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { ROLES } from '#protocol/roles.js'
import { IconButton } from '../../parts/button.js'
import { Mark, type Tone } from '../../parts/mark.js'
import { Menu, MenuItem } from '../../parts/menu.js'
import type { Column } from '../../parts/table.js'
import { Ago } from '../../parts/time.js'
import { USER_STATES, userStateOf, type User, type UserState } from './user-words.js'
import css from './users.module.css'

interface Look {
  readonly word: string
  readonly tone: Tone
  readonly icon: LucideIcon
}
const LOOKS: Readonly<Record<UserState, Look>> = {
  active: { word: 'Active', tone: 'good', icon: CircleCheck },
  invited: { word: 'No password yet', tone: 'warn', icon: CircleDashed },
  revoked: { word: 'Revoked', tone: 'bad', icon: CircleOff },
}

/** What can be done about a person. */
export const USER_ACTS = ['code', 'role', 'revoke'] as const
export type UserAct = (typeof USER_ACTS)[number]

export const userColumns = (
  own: string,
  onAct: (user: User, act: UserAct) => void,
): readonly Column<User>[] => [
  {
    ...{ id: 'name', header: 'Name', isRowHeader: true },
    sortBy: (user) => user.name,
    cell: (user) => <Name user={user} isOwn={user.name === own} />,
  },
  {
    ...{ id: 'role', header: 'Role', width: 160, narrowWidth: 112 },
    sortBy: (user) => ROLES.indexOf(user.role),
    cell: (user) => user.role,
  },
  {
    ...{ id: 'state', header: 'State', width: 180, from: 'tablet' },
    sortBy: (user) => USER_STATES.indexOf(userStateOf(user)),
    cell: (user) => <UserMark user={user} />,
  },
  {
    ...{ id: 'added', header: 'Added', width: 120, align: 'end', from: 'tablet' },
    sortBy: (user) => Date.parse(user.createdAt),
    cell: (user) => (
      <span className={css['second']}>
        <Ago time={user.createdAt} />
      </span>
    ),
  },
  {
    ...{ id: 'acts', header: 'What can be done', hidesHeader: true, width: 64, align: 'end' },
    cell: (user) =>
      // Whoever locked themselves out would need the machine to come in again.
      user.revokedAt === null && user.name !== own ? (
        <Acts user={user} onAct={(act) => onAct(user, act)} />
      ) : null,
  },
]

function UserMark({ user, isSign = false }: { readonly user: User; readonly isSign?: boolean }) {
  const { word, tone, icon } = LOOKS[userStateOf(user)]
  return (
    <Mark tone={tone} icon={icon} isSign={isSign}>
      {word}
    </Mark>
  )
}

function Name({ user, isOwn }: { readonly user: User; readonly isOwn: boolean }) {
  return (
    <span className={css['name']}>
      <span className={css['sign']}>
        <UserMark user={user} isSign />
      </span>
      <span className={css['who']}>{user.name}</span>
      {isOwn && <span className={css['you']}>you</span>}
    </span>
  )
}

function Acts({ user, onAct }: { readonly user: User; readonly onAct: (act: UserAct) => void }) {
  return (
    <Menu
      label={`About ${user.name}`}
      button={<IconButton label={`About ${user.name}`} icon={Ellipsis} />}
    >
      <MenuItem label="Give a new code …" onAction={() => onAct('code')} />
      <MenuItem label="Change role …" onAction={() => onAct('role')} />
      <MenuItem label="Revoke …" isDanger onAction={() => onAct('revoke')} />
    </Menu>
  )
}
