// The controls' parts: a number with a slider, a choice.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { shortNumber } from "../state/store";

/** A number with its slider. */
export interface NumberFieldProps {
  testId: string;
  /** what it is, in words */
  label: string;
  /** its symbol */
  symbol?: string;
  /** what it stands for, in a sentence: a tooltip, and read by screen readers */
  hint?: string;
  value: number;
  min: number;
  max: number;
  /** the slider's scale; a logarithmic one goes to two digits */
  scale?: "linear" | "log";
  /** of the slider */
  step?: number;
  integer?: boolean;
  /** ends of the slider, where they are not those of the number */
  slider?: readonly [number, number] | false;
  /** why it cannot be set; null: it can */
  disabled?: string | null;
  note?: string;
  onChange(value: number): void;
}

const PAUSE = 140;

/**
 * A number that is typed or slid. What is slid is handed on when the slider rests for a moment, what is typed at Enter, when the field
 * is left, or after the same moment. What is no number in the range is said beside the field, and not handed on.
 */
export function NumberField(props: NumberFieldProps) {
  const {
    testId,
    label,
    symbol,
    hint,
    value,
    min,
    max,
    scale = "linear",
    integer = false,
    disabled = null,
    note,
  } = props;
  const id = useId();
  const draft = useSignal<string | null>(null);
  const wrong = useSignal<string | null>(null);
  const timer = useRef<number | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => () => clearTimeout(timer.current), []);

  const commit = (text: string) => {
    clearTimeout(timer.current);
    const number = Number(text.trim().replace(",", ".").replace("−", "-"));
    if (
      text.trim() === "" ||
      !Number.isFinite(number) ||
      (integer && !Number.isInteger(number)) ||
      number < min ||
      number > max
    ) {
      wrong.value = `${integer ? "A whole number" : "A number"} from ${shortNumber(min)} to ${shortNumber(max)}.`;
      return;
    }
    wrong.value = null;
    if (number !== latest.current.value) latest.current.onChange(number);
  };
  const soon = (text: string) => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => commit(text), PAUSE);
  };

  const [low, high] = props.slider || [min, max];
  const toSlider = (x: number) => (scale === "log" ? Math.log10(Math.max(x, low / 10)) : x);
  const fromSlider = (s: number) => {
    if (scale === "linear") return s;
    const x = Number((10 ** s).toPrecision(2));
    return Math.min(high, Math.max(low, integer ? Math.round(x) : x));
  };
  const shown = draft.value ?? plain(value);
  const about = [hint && `${id}-hint`, note && `${id}-note`, disabled && `${id}-why`, wrong.value && `${id}-wrong`]
    .filter(Boolean)
    .join(" ");

  return (
    <div class={disabled ? "field off" : "field"}>
      <label for={id} title={hint}>
        {label} {symbol && <i class="symbol">{symbol}</i>}
      </label>
      <input
        id={id}
        data-testid={testId}
        class="number"
        type="text"
        inputMode="decimal"
        autocomplete="off"
        spellcheck={false}
        disabled={disabled !== null}
        value={shown}
        aria-invalid={wrong.value !== null}
        aria-describedby={about || undefined}
        onInput={({ currentTarget }) => {
          draft.value = currentTarget.value;
          soon(currentTarget.value);
        }}
        onChange={({ currentTarget }) => commit(currentTarget.value)}
        onKeyDown={({ key, currentTarget }) => {
          if (key === "Enter") commit(currentTarget.value);
        }}
        onBlur={() => {
          if (draft.value !== null) commit(draft.value);
          draft.value = null;
          wrong.value = null;
        }}
      />
      {props.slider !== false && (
        <input
          type="range"
          aria-label={`${label}, slider`}
          aria-valuetext={plain(value)}
          disabled={disabled !== null}
          min={toSlider(low)}
          max={toSlider(high)}
          step={scale === "log" ? 0.01 : (props.step ?? (integer ? 1 : "any"))}
          value={toSlider(draft.value === null ? value : Number(draft.value) || value)}
          onInput={({ currentTarget }) => {
            draft.value = plain(fromSlider(Number(currentTarget.value)));
            soon(draft.value);
          }}
          onChange={({ currentTarget }) => {
            commit(plain(fromSlider(Number(currentTarget.value))));
            draft.value = null;
          }}
        />
      )}
      {hint && (
        <span class="unseen" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {note && !disabled && (
        <p class="note" id={`${id}-note`}>
          {note}
        </p>
      )}
      {disabled && (
        <p class="note" id={`${id}-why`}>
          {disabled}
        </p>
      )}
      {wrong.value && (
        <p class="wrong" id={`${id}-wrong`} role="alert">
          {wrong.value}
        </p>
      )}
    </div>
  );
}

// As it can be typed again: 0.0001 and not 1.000e-4 rounded.
function plain(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** One of several. */
export function Choice<T extends string>(props: {
  testId?: string;
  label: string;
  /** the label is for screen readers only, as in a sentence */
  quiet?: boolean;
  value: T;
  options: readonly { value: T; label: string; disabled?: boolean }[];
  disabled?: boolean;
  onChange(value: T): void;
}) {
  const id = useId();
  return (
    <span class="choice">
      <label for={id} class={props.quiet ? "unseen" : undefined}>
        {props.label}
      </label>
      <select
        id={id}
        data-testid={props.testId}
        value={props.value}
        disabled={props.disabled}
        onChange={({ currentTarget }) => props.onChange(currentTarget.value as T)}
      >
        {props.options.map(({ value, label, disabled }) => (
          <option key={value} value={value} disabled={disabled} selected={value === props.value}>
            {label}
          </option>
        ))}
      </select>
    </span>
  );
}

/** Something that is on or off. */
export function Check(props: {
  label: ComponentChildren;
  checked: boolean;
  disabled?: string | null;
  onChange(checked: boolean): void;
}) {
  const id = useId();
  return (
    <label class={props.disabled ? "check off" : "check"}>
      <input
        type="checkbox"
        checked={props.checked}
        disabled={Boolean(props.disabled)}
        aria-describedby={props.disabled ? `${id}-why` : undefined}
        onChange={({ currentTarget }) => props.onChange(currentTarget.checked)}
      />
      <span>{props.label}</span>
      {props.disabled && (
        <span class="note" id={`${id}-why`}>
          {props.disabled}
        </span>
      )}
    </label>
  );
}
