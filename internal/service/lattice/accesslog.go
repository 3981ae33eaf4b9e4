package lattice

import (
	"context"
	"strings"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateAccessLogSubscription sends the access log of a network or configuration to a log group.
func (s *Service) CreateAccessLogSubscription(ctx context.Context, c world.Caller, in *latticeapi.CreateAccessLogSubscriptionInput) (*latticeapi.CreateAccessLogSubscriptionOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateAccessLogSubscription", in.ClientToken, in}
	a, v, err := create(ctx, s, q, subscriptions, func(tx *world.Tx) (world.AccessLogSubscription, error) {
		return newSubscription(tx, c, in, tags)
	})
	if err != nil {
		return nil, err
	}
	d := v.subscription(a)
	return &latticeapi.CreateAccessLogSubscriptionOutput{
		Id: d.Id, Arn: d.Arn, ResourceId: d.ResourceId, ResourceArn: d.ResourceArn,
		ServiceNetworkLogType: d.ServiceNetworkLogType, DestinationArn: d.DestinationArn,
	}, nil
}

func newSubscription(tx *world.Tx, c world.Caller, in *latticeapi.CreateAccessLogSubscriptionInput, tags []world.Tag) (world.AccessLogSubscription, error) {
	none := world.AccessLogSubscription{}
	a := world.AccessLogSubscription{ID: world.AccessLogSubscriptionID(tx.NewID("als")), Meta: tx.NewMeta(c, tags)}
	if err := subscribe(tx, c, in, &a); err != nil {
		return none, err
	}
	var err error
	if a.Destination, err = checkDestination(&tx.World, c, in.DestinationArn); err != nil {
		return none, err
	}
	for o := range tx.AccessLogSubscriptions.All() {
		if o.Network == a.Network && o.Configuration == a.Configuration && o.LogType == a.LogType {
			return none, awserr.LatticeConflict("ACCESS_LOG_SUBSCRIPTION", string(o.ID),
				"There is already an access log subscription of this destination type for the resource: %s", o.ID)
		}
	}
	return a, nil
}

// subscribe sets what the log is of.
func subscribe(tx *world.Tx, c world.Caller, in *latticeapi.CreateAccessLogSubscriptionInput, a *world.AccessLogSubscription) error {
	const field = "resourceIdentifier"
	logType := value(in.ServiceNetworkLogType)
	if logType != "" && logType != "SERVICE" && logType != "RESOURCE" {
		return invalidField("serviceNetworkLogType", "must be SERVICE or RESOURCE")
	}
	id := value(in.ResourceIdentifier)
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		id = id[i+1:]
	}
	switch {
	case strings.HasPrefix(id, "rcfg-"):
		cfg, err := find(&tx.World, &tx.ResourceConfigurations, c, configurationKind().called(field).to("CreateAccessLogSubscription"), in.ResourceIdentifier)
		if err != nil {
			return err
		}
		if logType != "" {
			return invalidField("serviceNetworkLogType", "belongs to service networks only")
		}
		a.Configuration = cfg.ID
		return nil
	case strings.HasPrefix(id, "svc-"):
		return awserr.LatticeValidation("Access logs of services are not recorded here: %s", value(in.ResourceIdentifier))
	}
	n, err := find(&tx.World, &tx.ServiceNetworks, c, networkKind().called(field).to("CreateAccessLogSubscription"), in.ResourceIdentifier)
	if err != nil {
		return err
	}
	if a.Network, a.LogType = n.ID, logType; logType == "" {
		a.LogType = "SERVICE"
	}
	return nil
}

// checkDestination reads the ARN of a log group of the caller, in the form answers show: ending in :*.
func checkDestination(w *world.World, c world.Caller, arn *string) (string, error) {
	text := value(arn)
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return "", invalidField("destinationArn", "'"+text+"' is no ARN")
	}
	switch service := parts[2]; service {
	case "logs":
	case "s3", "firehose":
		return "", awserr.LatticeValidation("Access logs cannot be delivered to %s here, only to CloudWatch Logs log groups: %s", service, text)
	default:
		return "", awserr.LatticeValidation("The destination %s is neither a CloudWatch Logs log group, an S3 bucket nor a Firehose delivery stream.", text)
	}
	name, isGroup := strings.CutPrefix(strings.TrimSuffix(parts[5], ":*"), "log-group:")
	if !isGroup || name == "" || strings.Contains(name, ":") {
		return "", invalidField("destinationArn", "'"+text+"' is no ARN of a log group")
	}
	if parts[3] != c.Region {
		return "", awserr.LatticeValidation("The destination %s must be in the Region %s.", text, c.Region)
	}
	if !w.LogGroups.Has(world.LogGroupKey(world.AccountID(parts[4]), parts[3], name)) || parts[4] != string(c.Account) {
		return "", awserr.LatticeNotFound("LOG_GROUP", text)
	}
	return world.ARN("logs", c.Region, c.Account, "log-group:"+name+":*"), nil
}

func subscriptions(tx *world.Tx) *world.Table[world.AccessLogSubscriptionID, world.AccessLogSubscription] {
	return &tx.AccessLogSubscriptions
}

func removeSubscriptions(tx *world.Tx, which func(world.AccessLogSubscription) bool) {
	for _, a := range tx.AccessLogSubscriptions.Where(which) {
		tx.AccessLogSubscriptions.Delete(a.ID)
	}
}

// subscription is what answers say of a subscription.
func (v view) subscription(a world.AccessLogSubscription) latticeapi.AccessLogSubscriptionSummary {
	id, arn := string(a.Network), ""
	if n, ok := v.w.ServiceNetworks.Get(a.Network); ok {
		arn = n.ARN()
	}
	if cfg, ok := v.w.ResourceConfigurations.Get(a.Configuration); ok {
		id, arn = string(cfg.ID), cfg.OwnARN()
	}
	return latticeapi.AccessLogSubscriptionSummary{
		Id: new(string(a.ID)), Arn: new(subscriptionKind().arn(a.Meta, string(a.ID))), ResourceId: &id, ResourceArn: &arn,
		DestinationArn: &a.Destination, ServiceNetworkLogType: given(a.LogType), CreatedAt: &a.Created, LastUpdatedAt: &a.Updated,
	}
}

// GetAccessLogSubscription describes one subscription.
func (s *Service) GetAccessLogSubscription(_ context.Context, c world.Caller, in *latticeapi.GetAccessLogSubscriptionInput) (*latticeapi.GetAccessLogSubscriptionOutput, error) {
	v := s.look()
	a, err := find(&v.w, &v.w.AccessLogSubscriptions, c, subscriptionKind(), in.AccessLogSubscriptionIdentifier)
	if err != nil {
		return nil, err
	}
	out := latticeapi.GetAccessLogSubscriptionOutput(v.subscription(a))
	return &out, nil
}

// ListAccessLogSubscriptions lists the subscriptions of a network or configuration.
func (s *Service) ListAccessLogSubscriptions(_ context.Context, c world.Caller, in *latticeapi.ListAccessLogSubscriptionsInput) (*latticeapi.ListAccessLogSubscriptionsOutput, error) {
	v := s.look()
	want := value(in.ResourceIdentifier)
	if want == "" {
		return nil, invalidField("resourceIdentifier", "must not be empty")
	}
	rows := owned(&v.w.AccessLogSubscriptions, c, func(a world.AccessLogSubscription) bool {
		d := v.subscription(a)
		return want == *d.ResourceId || want == *d.ResourceArn
	})
	rows, next, err := listing.Page(listing.Lattice(), rows, world.AccessLogSubscription.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListAccessLogSubscriptionsOutput{Items: []latticeapi.AccessLogSubscriptionSummary{}, NextToken: next}
	for _, a := range rows {
		out.Items = append(out.Items, v.subscription(a))
	}
	return out, nil
}

// UpdateAccessLogSubscription names another destination of the same type.
func (s *Service) UpdateAccessLogSubscription(ctx context.Context, c world.Caller, in *latticeapi.UpdateAccessLogSubscriptionInput) (*latticeapi.UpdateAccessLogSubscriptionOutput, error) {
	var a world.AccessLogSubscription
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if a, err = find(&tx.World, &tx.AccessLogSubscriptions, c, subscriptionKind(), in.AccessLogSubscriptionIdentifier); err != nil {
			return err
		}
		if service := arnService(value(in.DestinationArn)); service == "s3" || service == "firehose" {
			return awserr.LatticeConflict("ACCESS_LOG_SUBSCRIPTION", string(a.ID), "The type of the destination of access log subscription %s cannot be changed", a.ID)
		}
		if a.Destination, err = checkDestination(&tx.World, c, in.DestinationArn); err != nil {
			return err
		}
		tx.Touch(&a.Meta)
		tx.AccessLogSubscriptions.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := v.subscription(a)
	return &latticeapi.UpdateAccessLogSubscriptionOutput{Id: d.Id, Arn: d.Arn, ResourceId: d.ResourceId, ResourceArn: d.ResourceArn, DestinationArn: d.DestinationArn}, nil
}

func arnService(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// DeleteAccessLogSubscription ends a subscription.
func (s *Service) DeleteAccessLogSubscription(ctx context.Context, c world.Caller, in *latticeapi.DeleteAccessLogSubscriptionInput) (*latticeapi.DeleteAccessLogSubscriptionOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		a, err := find(&tx.World, &tx.AccessLogSubscriptions, c, subscriptionKind(), in.AccessLogSubscriptionIdentifier)
		if err != nil {
			return err
		}
		tx.AccessLogSubscriptions.Delete(a.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteAccessLogSubscriptionOutput{}, nil
}
