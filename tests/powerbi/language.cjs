// Checks M documents with Microsoft's language service: JSON of {name: text} in, of {name: [what is wrong]} out.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");

// The folder that the packages are installed in.
const installed = createRequire(`${process.argv[2]}/`);
const parser = installed("@microsoft/powerquery-parser");
const services = installed("@microsoft/powerquery-language-services");

const parameter = (name, type, isRequired) => ({
  name, type, isRequired, isNullable: !isRequired, caption: null, description: null, sampleValues: null,
  allowedValues: null, defaultValue: null, fields: null, enumNames: null, enumCaptions: null,
});
const symbol = (name, type, functionParameters = null) => ({
  name, type, functionParameters, documentation: null, completionItemKind: functionParameters ? 3 : 21,
  isDataSource: false,
});
// What the model may use of M's library, and its own parameters.
const SYMBOLS = [
  symbol("PostgreSQL.Database", "table", [
    parameter("server", "text", true), parameter("database", "text", true),
    parameter("options", "record", false),
  ]),
  symbol("Server", "text"),
  symbol("Database", "text"),
];

async function problems(name, text) {
  const library = services.LibrarySymbolUtils.createLibrary(SYMBOLS, () => new Map(), undefined);
  if (library.kind !== "Ok") throw new Error(JSON.stringify(library.error.failedLibrarySymbolConversions));
  const inspectionSettings = {
    ...parser.DefaultSettings, isWorkspaceCacheAllowed: false, library: library.value,
    eachScopeById: undefined, typeStrategy: services.TypeStrategy.Extended,
  };
  const analysis = {
    inspectionSettings, isWorkspaceCacheAllowed: false, initialCorrelationId: undefined,
    traceManager: parser.Trace.NoOpTraceManagerInstance,
  };
  const validation = services.ValidationSettingsUtils.createValidationSettings(inspectionSettings, {
    checkDiagnosticsOnParseError: true, checkForDuplicateIdentifiers: true, checkInvokeExpressions: true,
    checkUnknownIdentifiers: true, source: name,
  });
  const found = await services.validate(services.textDocument(name, 1, text), analysis, validation);
  if (found.kind !== "Ok") return [String(found.error)];
  return (found.value?.diagnostics ?? []).map((one) => one.message);
}

(async () => {
  const documents = JSON.parse(readFileSync(0, "utf8"));
  const answers = {};
  for (const [name, text] of Object.entries(documents)) answers[name] = await problems(name, text);
  console.log(JSON.stringify(answers));
})();
