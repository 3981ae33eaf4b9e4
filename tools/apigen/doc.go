// Command apigen turns AWS's service models into Go.
//
// apigen import FILE SVC cuts a botocore service-2.json (or .json.gz) down to the operations named in models/SVC.ops and
// the shapes they reach, without documentation, into models/SVC.json. The names of all operations of the service are kept,
// so that those which are not built can be told from those that do not exist.
//
// apigen generate writes internal/api/*api/zz_*.go and docs/coverage.md from models/*.json and models/*.ops. Both commands run
// from the root of the module and give the same bytes for the same input.
package main
