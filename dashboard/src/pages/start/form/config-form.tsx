// One by one: what else the package has needs a judge that is not here.
import CoreForm from '@rjsf/core/lib/components/Form.js'
import getDefaultRegistry from '@rjsf/core/lib/getDefaultRegistry.js'
import type { ErrorSchema, RegistryFieldsType, ValidatorType } from '@rjsf/utils'
import type { JsonObject } from '#protocol/json.js'
import { tidied } from './config-data.js'
import {
  ChoiceField,
  EitherField,
  JsonField,
  ListField,
  OptionalField,
  type ConfigFieldProps,
} from './fields.js'
import type { FormSchema } from './form-schema.js'
import {
  ArrayFieldTemplate,
  ArrayItemTemplate,
  FieldTemplate,
  ObjectFieldTemplate,
} from './templates.js'
import { SelectWidget, SwitchWidget, TextWidget } from './widgets.js'

type Data = unknown

/** The coordinator judges: it knows more than a schema says, and a judge that makes functions of text is not allowed here. */
const TRUSTING: ValidatorType<Data, FormSchema, object> = {
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  isValid: () => true,
  rawValidation: () => ({ errors: [] }),
}

const { fields: coreFields } = getDefaultRegistry<Data, FormSchema, object>()
const CoreSchemaField = coreFields['SchemaField']

/** The library's, with the way of editing that the schema names. */
function SchemaField(props: ConfigFieldProps) {
  const kind = props.schema['x-field']
  if (CoreSchemaField === undefined) return null
  return <CoreSchemaField {...props} uiSchema={kind === undefined ? {} : { 'ui:field': kind }} />
}
const FIELDS: RegistryFieldsType<Data, FormSchema, object> = {
  ...{ SchemaField, choice: ChoiceField, optional: OptionalField, list: ListField },
  ...{ either: EitherField, json: JsonField },
}
const WIDGETS = { TextWidget, SelectWidget, CheckboxWidget: SwitchWidget }
const TEMPLATES = {
  ...{ FieldTemplate, ObjectFieldTemplate, ArrayFieldTemplate },
  ArrayFieldItemTemplate: ArrayItemTemplate,
  // Beside the fields, and above the form by who draws it.
  ...{ FieldErrorTemplate: () => null, ErrorListTemplate: () => null },
}

/** A configuration, setting by setting, as its schema has them. */
export function ConfigForm({
  schema,
  config,
  onChange,
  errors,
}: {
  readonly schema: FormSchema
  readonly config: JsonObject
  readonly onChange: (config: JsonObject) => void
  readonly errors: ErrorSchema
}) {
  return (
    <CoreForm<Data, FormSchema, object>
      tagName="div"
      schema={schema}
      validator={TRUSTING}
      formData={config}
      extraErrors={errors}
      fields={FIELDS}
      widgets={WIDGETS}
      templates={TEMPLATES}
      noValidate
      experimental_defaultFormStateBehavior={{
        ...{ emptyObjectFields: 'skipDefaults', constAsDefaults: 'never' },
        arrayMinItems: { populate: 'never' },
      }}
      onChange={({ formData }) => {
        onChange(tidied((formData ?? {}) as JsonObject, schema))
      }}
    >
      {/* Instead of the library's button. */}
      <></>
    </CoreForm>
  )
}
