package ssm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// Limits of documents. (AWS General Reference, "AWS Systems Manager endpoints and quotas".)
const (
	maxContent  = 64 << 10
	maxVersions = 1000
)

// CreateDocument makes a document of the account's own: one for sessions or for commands.
func (s *Service) CreateDocument(ctx context.Context, c world.Caller, in *ssmapi.CreateDocumentInput) (*ssmapi.CreateDocumentOutput, error) {
	name, kind := val(in.Name), val(in.DocumentType)
	if kind == "" {
		kind = "Command"
	}
	for _, reserved := range []string{"aws", "amazon", "amzn"} {
		if strings.HasPrefix(strings.ToLower(name), reserved) {
			return nil, awserr.SSMInvalid("The document name %s begins with %s, which is reserved.", name, reserved)
		}
	}
	if len(in.Attachments) > 0 || len(in.Requires) > 0 {
		return nil, awserr.SSMUnbuilt("Attachments and requirements of documents are")
	}
	if kind != "Session" && kind != "Command" {
		return nil, awserr.SSMUnbuilt("Documents of type " + kind + " are")
	}
	v, err := newVersion(val(in.Content), val(in.DocumentFormat), kind)
	if err != nil {
		return nil, err
	}
	v.Number, v.Name = 1, val(in.VersionName)
	var row world.Document
	_, err = s.Store.Update(ctx, func(tx *world.Tx) error {
		v.Created = tx.Now
		row = world.Document{
			Meta: tx.NewMeta(c, tagsOf(in.Tags)), Name: name, Type: kind, Target: val(in.TargetType), Title: val(in.DisplayName),
			Default: 1, LastNumber: 1, Versions: []world.DocumentVersion{v},
		}
		if tx.Documents.Has(row.RowID()) {
			return awserr.SSMRefused("DocumentAlreadyExists", "Document with same name %s already exists", name)
		}
		tx.Documents.Put(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.CreateDocumentOutput{DocumentDescription: describeVersion(row, v)}, nil
}

// newVersion checks the content of a document.
func newVersion(content, format, kind string) (world.DocumentVersion, error) {
	v := world.DocumentVersion{Format: format, Content: content}
	if v.Format == "" {
		v.Format = "JSON"
	}
	if len(content) > maxContent {
		return v, awserr.SSMRefused("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
	}
	text, err := toJSON(v)
	if err != nil {
		return v, err
	}
	d, err := parse(text)
	if err != nil {
		return v, err
	}
	if session := d.body.SessionType != ""; session != (kind == "Session") {
		return v, awserr.SSMRefused("InvalidDocumentContent", "The content is not that of a document of type %s.", kind)
	}
	if kind == "Session" && d.body.SchemaVersion != "1.0" || kind == "Command" && d.body.SchemaVersion != "2.2" {
		return v, awserr.SSMRefused("InvalidDocumentSchemaVersion", "The schema version %q is not supported for documents of type %s.", d.body.SchemaVersion, kind)
	}
	if kind == "Session" && !slices.Contains([]string{"Standard_Stream", "Port", "InteractiveCommands", "NonInteractiveCommands"}, d.body.SessionType) {
		return v, awserr.SSMRefused("InvalidDocumentContent", "The session type %s is not valid.", d.body.SessionType)
	}
	return v, nil
}

// toJSON is the content of a version as JSON.
func toJSON(v world.DocumentVersion) (string, error) {
	if v.Format == "JSON" {
		return v.Content, nil
	}
	if v.Format != "YAML" {
		return "", awserr.SSMRefused("InvalidDocumentContent", "The format %s is not that of a document.", v.Format)
	}
	var any map[string]any
	if err := yaml.Unmarshal([]byte(v.Content), &any); err != nil {
		return "", awserr.SSMRefused("InvalidDocumentContent", "The content of the document is not valid YAML: %v", err)
	}
	b, err := json.Marshal(any)
	if err != nil {
		return "", awserr.SSMRefused("InvalidDocumentContent", "The content of the document is not valid: %v", err)
	}
	return string(b), nil
}

// UpdateDocument adds a version.
func (s *Service) UpdateDocument(ctx context.Context, c world.Caller, in *ssmapi.UpdateDocumentInput) (*ssmapi.UpdateDocumentOutput, error) {
	if len(in.Attachments) > 0 {
		return nil, awserr.SSMUnbuilt("Attachments of documents are")
	}
	var v world.DocumentVersion
	row, err := s.changeDocument(ctx, c, val(in.Name), func(tx *world.Tx, row *world.Document) (err error) {
		last := row.Versions[len(row.Versions)-1]
		if at := val(in.DocumentVersion); at != "" && at != "$LATEST" && at != fmt.Sprint(last.Number) {
			return awserr.SSMRefused("InvalidDocumentVersion", "The document version is not the latest one of %s.", row.Name)
		}
		format := val(in.DocumentFormat)
		if format == "" {
			format = last.Format
		}
		if v, err = newVersion(val(in.Content), format, row.Type); err != nil {
			return err
		}
		switch {
		case slices.ContainsFunc(row.Versions, func(o world.DocumentVersion) bool { return o.Content == v.Content }):
			return awserr.SSMRefused("DuplicateDocumentContent", "The content of the association document matches another document. Change the content of the document and try again.")
		case in.VersionName != nil && slices.ContainsFunc(row.Versions, func(o world.DocumentVersion) bool { return o.Name == *in.VersionName }):
			return awserr.SSMRefused("DuplicateDocumentVersionName", "The version name has already been used in this document.")
		case len(row.Versions) >= maxVersions:
			return awserr.SSMRefused("DocumentVersionLimitExceeded", "The document has too many versions.")
		}
		row.LastNumber++
		v.Number, v.Name, v.Created = row.LastNumber, val(in.VersionName), tx.Now
		row.Versions = append(slices.Clone(row.Versions), v)
		if in.DisplayName != nil {
			row.Title = *in.DisplayName
		}
		if in.TargetType != nil {
			row.Target = *in.TargetType
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.UpdateDocumentOutput{DocumentDescription: describeVersion(row, v)}, nil
}

// changeDocument changes a document of the account's own.
func (s *Service) changeDocument(ctx context.Context, c world.Caller, name string, f func(*world.Tx, *world.Document) error) (world.Document, error) {
	var row world.Document
	_, err := s.Store.Update(ctx, func(tx *world.Tx) error {
		var ok bool
		if row, ok = tx.Documents.Get(world.DocumentKey(c.Account, c.Region, name)); !ok {
			return awserr.SSMNoDocument(name)
		}
		if err := f(tx, &row); err != nil {
			return err
		}
		tx.Documents.Put(row)
		return nil
	})
	return row, err
}

// UpdateDocumentDefaultVersion puts a version in force.
func (s *Service) UpdateDocumentDefaultVersion(ctx context.Context, c world.Caller, in *ssmapi.UpdateDocumentDefaultVersionInput) (*ssmapi.UpdateDocumentDefaultVersionOutput, error) {
	var v world.DocumentVersion
	_, err := s.changeDocument(ctx, c, val(in.Name), func(_ *world.Tx, row *world.Document) (err error) {
		v, err = versionOf(*row, val(in.DocumentVersion))
		row.Default = v.Number
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.UpdateDocumentDefaultVersionOutput{Description: &ssmapi.DocumentDefaultVersionDescription{
		Name: in.Name, DefaultVersion: new(fmt.Sprint(v.Number)), DefaultVersionName: some(v.Name),
	}}, nil
}

// DeleteDocument takes a document away, or one version of it.
func (s *Service) DeleteDocument(ctx context.Context, c world.Caller, in *ssmapi.DeleteDocumentInput) (*ssmapi.DeleteDocumentOutput, error) {
	_, err := s.Store.Update(ctx, func(tx *world.Tx) error {
		row, ok := tx.Documents.Get(world.DocumentKey(c.Account, c.Region, val(in.Name)))
		if !ok {
			return awserr.SSMNoDocument(val(in.Name))
		}
		if in.DocumentVersion == nil {
			tx.Documents.Delete(row.RowID())
			return nil
		}
		v, err := versionOf(row, *in.DocumentVersion)
		if err != nil {
			return err
		}
		if v.Number == row.Default {
			return awserr.SSMRefused("InvalidDocumentOperation", "Default version of the document can't be deleted.")
		}
		row.Versions = slices.DeleteFunc(slices.Clone(row.Versions), func(o world.DocumentVersion) bool { return o.Number == v.Number })
		tx.Documents.Put(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.DeleteDocumentOutput{}, nil
}

// own rows and AWS's documents are shown alike: as rows.
func (s *Service) documentRow(w *world.World, c world.Caller, name string) (world.Document, error) {
	short := name
	if strings.HasPrefix(name, "arn:") {
		short = name[strings.LastIndex(name, "/")+1:]
	}
	if row, ok := w.Documents.Get(world.DocumentKey(c.Account, c.Region, short)); ok {
		return row, nil
	}
	if d, ok := s.builtin[short]; ok {
		return d.row(), nil
	}
	return world.Document{}, awserr.SSMNoDocument(name)
}

// builtinSince is when AWS's documents are said to have been made.
var builtinSince = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// row is a document of AWS's as a row.
func (d document) row() world.Document {
	m := world.Meta{Account: "Amazon", Created: builtinSince, Updated: builtinSince}
	v := world.DocumentVersion{Number: 1, Format: "JSON", Content: d.json, Created: builtinSince}
	return world.Document{Meta: m, Name: d.name, Type: d.kind, Default: 1, LastNumber: 1, Versions: []world.DocumentVersion{v}}
}

// GetDocument shows the content of a document.
func (s *Service) GetDocument(_ context.Context, c world.Caller, in *ssmapi.GetDocumentInput) (*ssmapi.GetDocumentOutput, error) {
	w := s.Store.World()
	row, err := s.documentRow(&w, c, val(in.Name))
	if err != nil {
		return nil, err
	}
	v, err := versionOf(row, val(in.DocumentVersion))
	if err != nil {
		return nil, err
	}
	format, content := v.Format, v.Content
	if in.DocumentFormat != nil && *in.DocumentFormat != format {
		if format, content, err = convert(v, *in.DocumentFormat); err != nil {
			return nil, err
		}
	}
	return &ssmapi.GetDocumentOutput{
		Name: &row.Name, CreatedDate: &v.Created, DisplayName: some(row.Title), VersionName: some(v.Name), DocumentVersion: new(fmt.Sprint(v.Number)),
		Status: new("Active"), Content: &content, DocumentType: &row.Type, DocumentFormat: &format,
	}, nil
}

// convert is the content of a version in another format.
func convert(v world.DocumentVersion, format string) (string, string, error) {
	text, err := toJSON(v)
	if err != nil || format != "YAML" {
		return format, text, err
	}
	var any map[string]any
	if err := json.Unmarshal([]byte(text), &any); err != nil {
		return format, "", err
	}
	b, err := yaml.Marshal(any)
	return format, string(b), err
}

// DescribeDocument describes a document.
func (s *Service) DescribeDocument(_ context.Context, c world.Caller, in *ssmapi.DescribeDocumentInput) (*ssmapi.DescribeDocumentOutput, error) {
	w := s.Store.World()
	row, err := s.documentRow(&w, c, val(in.Name))
	if err != nil {
		return nil, err
	}
	v, err := versionOf(row, val(in.DocumentVersion))
	if err != nil {
		return nil, err
	}
	return &ssmapi.DescribeDocumentOutput{Document: describeVersion(row, v)}, nil
}

func describeVersion(row world.Document, v world.DocumentVersion) *ssmapi.DocumentDescription {
	sum := sha256.Sum256([]byte(v.Content))
	last := row.Versions[len(row.Versions)-1].Number
	d := &ssmapi.DocumentDescription{
		Hash: new(hex.EncodeToString(sum[:])), HashType: new("Sha256"), Name: &row.Name, DisplayName: some(row.Title), VersionName: some(v.Name),
		Owner: new(string(row.Account)), CreatedDate: &v.Created, Status: new("Active"), DocumentVersion: new(fmt.Sprint(v.Number)),
		PlatformTypes: []string{"Windows", "Linux", "MacOS"}, DocumentType: &row.Type, LatestVersion: new(fmt.Sprint(last)),
		DefaultVersion: new(fmt.Sprint(row.Default)), DocumentFormat: &v.Format, TargetType: some(row.Target), Tags: apiTags(row.Tags),
	}
	text, err := toJSON(v)
	if err != nil {
		return d
	}
	body, err := parse(text)
	if err != nil {
		return d
	}
	d.Description, d.SchemaVersion = some(body.about), some(body.body.SchemaVersion)
	for _, name := range slices.Sorted(maps.Keys(body.body.Parameters)) {
		p := body.body.Parameters[name]
		entry := ssmapi.DocumentParameter{Name: &name, Type: some(p.Type), Description: some(p.Description)}
		if p.Default != nil {
			entry.DefaultValue = new(fmt.Sprint(p.Default))
		}
		d.Parameters = append(d.Parameters, entry)
	}
	return d
}

// DescribeDocumentPermission says with which accounts a document is shared: with none.
func (s *Service) DescribeDocumentPermission(_ context.Context, c world.Caller, in *ssmapi.DescribeDocumentPermissionInput) (*ssmapi.DescribeDocumentPermissionOutput, error) {
	w := s.Store.World()
	if _, err := s.documentRow(&w, c, val(in.Name)); err != nil {
		return nil, err
	}
	_, next, err := listing.Page(pages(1, 200, 200), []string{}, strings.ToLower, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &ssmapi.DescribeDocumentPermissionOutput{AccountIds: []string{}, AccountSharingInfoList: []ssmapi.AccountSharingInfo{}, NextToken: next}, nil
}

// ListDocumentVersions lists the versions of a document.
func (s *Service) ListDocumentVersions(_ context.Context, c world.Caller, in *ssmapi.ListDocumentVersionsInput) (*ssmapi.ListDocumentVersionsOutput, error) {
	w := s.Store.World()
	row, err := s.documentRow(&w, c, val(in.Name))
	if err != nil {
		return nil, err
	}
	key := func(v world.DocumentVersion) string { return fmt.Sprintf("%09d", v.Number) }
	rows, next, err := listing.Page(pages(1, 50, 50), row.Versions, key, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.ListDocumentVersionsOutput{DocumentVersions: []ssmapi.DocumentVersionInfo{}, NextToken: next}
	for _, v := range rows {
		out.DocumentVersions = append(out.DocumentVersions, ssmapi.DocumentVersionInfo{
			Name: &row.Name, DisplayName: some(row.Title), DocumentVersion: new(fmt.Sprint(v.Number)), VersionName: some(v.Name), CreatedDate: &v.Created,
			IsDefaultVersion: new(v.Number == row.Default), DocumentFormat: &v.Format, Status: new("Active"),
		})
	}
	return out, nil
}

// ListDocuments lists AWS's documents and the account's own.
func (s *Service) ListDocuments(_ context.Context, c world.Caller, in *ssmapi.ListDocumentsInput) (*ssmapi.ListDocumentsOutput, error) {
	filters := map[string][]string{}
	for _, f := range in.DocumentFilterList {
		filters[val(f.Key)] = append(filters[val(f.Key)], val(f.Value))
	}
	for _, f := range in.Filters {
		filters[val(f.Key)] = append(filters[val(f.Key)], f.Values...)
	}
	w := s.Store.World()
	rows := slices.Collect(w.Documents.Prefix(world.DocumentKey(c.Account, c.Region, "")))
	for name, d := range s.builtin {
		if !w.Documents.Has(world.DocumentKey(c.Account, c.Region, name)) && name != runShell {
			rows = append(rows, d.row())
		}
	}
	var kept []world.Document
	for _, row := range rows {
		keep := true
		for key, values := range filters {
			ok, err := documentHas(c, row, key, values)
			if err != nil {
				return nil, err
			}
			keep = keep && ok
		}
		if keep {
			kept = append(kept, row)
		}
	}
	kept, next, err := listing.Page(pages(1, 50, 50), kept, func(d world.Document) string { return d.Name }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.ListDocumentsOutput{DocumentIdentifiers: []ssmapi.DocumentIdentifier{}, NextToken: next}
	for _, row := range kept {
		v, _ := row.Version(row.Default)
		d := describeVersion(row, v)
		out.DocumentIdentifiers = append(out.DocumentIdentifiers, ssmapi.DocumentIdentifier{
			Name: d.Name, CreatedDate: d.CreatedDate, DisplayName: d.DisplayName, Owner: d.Owner, VersionName: d.VersionName, PlatformTypes: d.PlatformTypes,
			DocumentVersion: d.DocumentVersion, DocumentType: d.DocumentType, SchemaVersion: d.SchemaVersion, DocumentFormat: d.DocumentFormat,
			TargetType: d.TargetType, Tags: d.Tags,
		})
	}
	return out, nil
}

// documentHas tells whether a document has one of the values of a filter.
func documentHas(c world.Caller, d world.Document, key string, values []string) (bool, error) {
	has := func(f func(string) bool) (bool, error) { return slices.ContainsFunc(values, f), nil }
	switch key {
	case "Name":
		return has(func(v string) bool { return strings.HasPrefix(d.Name, v) })
	case "Owner":
		return has(func(v string) bool {
			mine := d.Account == c.Account
			return v == "All" || v == "Self" && mine || v == "Amazon" && !mine || v == "Private" && mine || v == "Public" && !mine
		})
	case "DocumentType":
		return has(func(v string) bool { return v == d.Type })
	case "PlatformTypes":
		return has(func(v string) bool { return v == "Linux" || v == "Windows" || v == "MacOS" })
	case "TargetType":
		return has(func(v string) bool { return v == d.Target })
	}
	if name, ok := strings.CutPrefix(key, "tag:"); ok {
		return has(func(v string) bool {
			return slices.ContainsFunc(d.Tags, func(t world.Tag) bool { return t.Key == name && t.Value == v })
		})
	}
	return false, awserr.SSMRefused("InvalidFilterKey", "The filter key %s is not valid.", key)
}
