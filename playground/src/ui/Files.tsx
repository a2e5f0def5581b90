// Files: what is opened, and what can be taken away.

import { choosePicture, copyLink, download, picture } from "../state/exports";
import { openFile } from "../state/files";
import { type Picture, pictures } from "../state/store";
import { Choice } from "./fields";
import { pictureNames } from "./words";

/** Open and export. */
export function Files() {
  return (
    <section class="files" aria-labelledby="files-heading">
      <h2 id="files-heading">Files and links</h2>
      <p class="open">
        <label for="open-file">Open a dataset (CSV, npz, Parquet) or a run file (JSON), or drop it anywhere</label>
        <input
          id="open-file"
          data-testid="open-file"
          type="file"
          accept=".csv,.tsv,.npz,.parquet,.json,text/csv,application/json"
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0];
            // so that the same file can be opened again
            if (file) void openFile(file).finally(() => (currentTarget.value = ""));
          }}
        />
      </p>
      <p>
        <Choice
          testId="picture"
          label="Picture to export"
          value={picture.value ?? ""}
          options={pictures.value.map((value) => ({ value: value as string, label: pictureNames[value] }))}
          disabled={pictures.value.length === 0}
          onChange={(value) => choosePicture(value as Picture)}
        />
      </p>
      <ul class="exports">
        <li>
          <button type="button" data-testid="copy-link" onClick={() => void copyLink()}>
            Copy the link
          </button>
        </li>
        {EXPORTS.map(({ testId, what, label }) => (
          <li key={testId}>
            <button type="button" data-testid={testId} onClick={() => void download(what)}>
              {label}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const EXPORTS = [
  { testId: "export-spec", what: "spec", label: "Specification, JSON" },
  { testId: "export-trajectory-json", what: "trajectoryJson", label: "Trajectory, JSON" },
  { testId: "export-trajectory-csv", what: "trajectoryCsv", label: "Trajectory, CSV" },
  { testId: "export-trajectory-npz", what: "trajectoryNpz", label: "Trajectory, npz" },
  { testId: "export-measure-npz", what: "measureNpz", label: "Neurons, npz" },
  { testId: "export-picture-svg", what: "svg", label: "Picture, SVG" },
  { testId: "export-picture-png", what: "png", label: "Picture, PNG" },
] as const;
