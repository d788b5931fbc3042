"""What exports call the columns of the input contract: English, and some German, French, Dutch,
Spanish and Italian.

Normalised as `mapping_proposal` does it: lower case, no accents, words with single spaces. The
first of a list is the likeliest. The contract's own names need not be listed.
"""

from __future__ import annotations

from typing import Final

_PERSON: Final = {
    "customer_ref": (
        "customer id", "customerid", "customer reference id", "customer number", "customer no",
        "client id", "user id", "contact id", "member id", "kundennummer", "kunden nr",
        "klantnummer",
        "numero client", "code client", "id cliente", "codigo cliente", "customer", "client",
    ),
    "email": (
        "email", "e mail", "email address", "e mail address", "customer email", "billing email",
        "mail", "e mail adresse", "adresse e mail", "courriel", "emailadres", "correo electronico",
        "correo", "recipient email",
    ),
    "phone": (
        "phone", "phone number", "telephone", "mobile", "mobile phone", "billing phone", "tel",
        "telefon", "telefonnummer", "telefoon", "telefoonnummer", "telephone portable", "telefono",
        "default address phone",
    ),
}  # fmt: skip
_KNOWN: Final = {name: _PERSON[name] for name in ("customer_ref", "email")}
_MONEY: Final = {
    "currency": (
        "currency", "currency code", "order currency", "wahrung", "waehrung", "devise", "valuta",
        "moneda",
    ),
}  # fmt: skip
_CAMPAIGN: Final = {
    "campaign_id": ("campaign id", "campaignid", "campaign", "campaign name", "kampagne"),
}

SYNONYMS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "customers": {
        "customer_ref": (
            *_PERSON["customer_ref"], "record id", "id", "contact record id", "profile id",
        ),
        "email": _PERSON["email"],
        "phone": _PERSON["phone"],
        "first_name": (
            "first name", "firstname", "given name", "vorname", "prenom", "voornaam", "nombre",
            "billing first name",
        ),
        "last_name": (
            "last name", "lastname", "surname", "family name", "nachname", "nom", "achternaam",
            "apellido", "apellidos", "billing last name",
        ),
        "birth_date": (
            "birth date", "birthday", "date of birth", "dob", "geburtsdatum", "date de naissance",
            "geboortedatum", "fecha de nacimiento",
        ),
        "gender": ("gender", "sex", "geschlecht", "sexe", "geslacht", "sexo"),
        "country": (
            "country", "country code", "country region", "default address country code",
            "billing country", "land", "pays", "pais",
        ),
        "region": (
            "region", "state", "state region", "province", "default address province code",
            "billing state", "bundesland",
        ),
        "city": (
            "city", "town", "default address city", "billing city", "ort", "stadt", "ville",
            "plaats", "woonplaats", "ciudad",
        ),
        "postal_code": (
            "postal code", "postcode", "zip", "zip code", "default address zip", "billing postcode",
            "plz", "postleitzahl", "code postal", "codigo postal",
        ),
        "created_at": (
            "created at", "create date", "created", "date created", "registered at", "sign up date",
            "signup date", "optin time", "confirm time", "angelegt am", "date de creation",
            "aangemaakt op",
        ),
        "updated_at": (
            "updated at", "last modified date", "last changed", "updated", "modified at",
        ),
        "acquisition_channel": ("original source", "acquisition source", "lead source", "source"),
        "account_ref": ("associated company i ds", "associated company ids", "company id"),
        "occupation": ("occupation", "job title", "profession", "beruf"),
    },
    "orders": {
        **_PERSON,
        **_MONEY,
        "order_id": (
            "order id", "orderid", "order number", "order no", "order", "name", "invoice no",
            "invoiceno", "invoice", "invoice number", "transaction id", "receipt number", "number",
            "bestellnummer", "bestellung", "rechnungsnummer", "auftragsnummer", "ordernummer",
            "bestelnummer", "numero de commande", "no commande", "n commande", "commande",
            "numero de pedido", "pedido", "id",
        ),
        "ordered_at": (
            "created at", "order date", "date", "ordered on", "order created", "invoice date",
            "invoicedate", "purchase date", "paid at", "paid date", "datum", "bestelldatum",
            "rechnungsdatum", "besteldatum", "date de commande", "date commande", "fecha",
            "fecha de pedido", "created",
        ),
        "status": (
            "status", "order status", "financial status", "state", "bestellstatus", "statut",
            "estado",
        ),
        "net_amount": (
            "subtotal", "net amount", "net total", "net sales", "order subtotal", "amount", "total",
            "order total", "revenue", "netto", "nettobetrag", "betrag", "summe", "montant ht",
            "total ht", "montant", "bedrag", "importe", "importe neto",
        ),
        "gross_amount": ("gross sales", "gross amount", "gross", "brutto"),
        "discount_amount": (
            "discount amount", "discount", "discounts", "discount total", "rabatt", "remise",
            "korting", "descuento",
        ),
        "tax_amount": (
            "taxes", "tax", "tax total", "tax amount", "vat", "mwst", "ust", "tva", "btw", "iva",
        ),
        "shipping_amount": (
            "shipping", "shipping total", "shipping cost", "versand", "versandkosten", "port",
            "frais de port", "verzendkosten", "envio",
        ),
        "sales_channel": ("source", "sales channel", "channel", "location", "kanal", "canal"),
        "coupon_code": (
            "discount code", "coupon", "coupon code", "coupons", "promo code", "voucher",
            "gutschein", "code promo", "kortingscode", "cupon",
        ),
        "updated_at": ("updated at", "modified at", "last modified"),
    },
    "order_lines": {
        **_MONEY,
        "order_id": (
            "order id", "orderid", "order number", "invoice no", "invoiceno", "invoice",
            "transaction id", "bestellnummer", "name",
        ),
        "line_number": ("line number", "line", "line no", "position", "pos", "regel"),
        "product_id": (
            "product id", "productid", "sku", "item sku", "lineitem sku", "stock code", "stockcode",
            "article number", "artikelnummer", "artikel", "reference produit", "item", "product",
            "lineitem name", "productnummer",
        ),
        "quantity": (
            "quantity", "qty", "lineitem quantity", "units", "menge", "anzahl", "quantite",
            "aantal", "cantidad", "count",
        ),
        "unit_price": (
            "unit price", "unitprice", "price", "item price", "lineitem price", "einzelpreis",
            "stuckpreis", "preis", "prix unitaire", "prix", "prijs", "stukprijs", "precio",
            "precio unitario",
        ),
        "discount_amount": ("discount", "discounts", "lineitem discount", "rabatt", "remise"),
        "ordered_at": (
            "order date", "invoice date", "invoicedate", "date", "created at", "datum",
            "bestelldatum",
        ),
        "customer_ref": _PERSON["customer_ref"],
        "status": ("status", "order status"),
    },
    "refunds": {
        **_KNOWN,
        **_MONEY,
        "refund_id": ("refund id", "refund number", "credit note", "gutschrift", "avoir", "id"),
        "refunded_at": ("refund date", "refunded on", "refunded date utc", "date", "created at"),
        "amount": ("refund amount", "amount refunded", "refund total", "amount", "betrag"),
        "order_id": ("order id", "order", "order number", "charge id", "payment id"),
        "reason": ("refund reason", "reason", "note", "grund"),
    },
    "products": {
        "product_id": (
            "product id", "sku", "variant sku", "item number", "handle", "artikelnummer",
            "reference", "id",
        ),
        "name": ("product name", "title", "item name", "artikel", "bezeichnung", "designation"),
        "category": ("category", "product category", "type", "product type", "kategorie"),
        "subcategory": ("sub category", "subcategory"),
        "brand": ("vendor", "brand", "manufacturer", "marke", "marque"),
        "unit_cost": ("cost", "cost per item", "unit cost", "cost price", "einkaufspreis"),
    },
    "web_events": {
        **_KNOWN,
        "event_id": ("event id", "eventid", "uuid", "id"),
        "occurred_at": ("event time", "timestamp", "event timestamp", "time", "datetime", "date"),
        "event_name": ("event name", "event", "event type", "action"),
        "anonymous_id": ("user pseudo id", "client id", "anonymous id", "visitor id", "cookie id"),
        "session_id": ("session id", "ga session id", "session"),
        "page_url": ("page url", "page location", "url", "page"),
        "device": ("device", "device category", "device type"),
        "referrer": ("referrer", "page referrer", "referer"),
    },
    "message_events": {
        "customer_ref": _PERSON["customer_ref"],
        "email": (*_PERSON["email"], "recipient"),
        "event_id": ("event id", "activity id", "id"),
        "occurred_at": ("timestamp", "event time", "datetime", "date", "time", "datum"),
        "event_name": ("action", "event", "activity", "event type", "type"),
        "channel": ("channel", "medium", "message channel"),
        **_CAMPAIGN,
        "message_id": ("message id", "email id"),
    },
    "campaigns": {
        "campaign_id": ("campaign id", "id", "unique id"),
        "name": ("campaign name", "title", "name", "campaign"),
        "channel": ("channel", "type", "medium"),
        "objective": ("objective", "goal"),
        "started_at": ("start date", "started", "send time", "sent at", "send date"),
        "ended_at": ("end date", "ended", "finished"),
        "offer_code": ("offer code", "promo code", "coupon code"),
    },
    "marketing_spend": {
        **_MONEY,
        **_CAMPAIGN,
        "spend_date": ("date", "day", "spend date", "tag", "datum", "jour", "reporting starts"),
        "channel": ("channel", "platform", "network", "medium"),
        "amount": ("cost", "spend", "amount spent", "amount", "kosten", "depense", "coste"),
        "cost_type": ("cost type", "type"),
    },
    "leads": {
        **_KNOWN,
        "lead_id": ("lead id", "deal id", "record id", "id"),
        "created_at": ("create date", "created at", "created", "date"),
        "source": ("lead source", "original source", "source"),
        "status": ("lead status", "deal stage", "stage", "status"),
        "converted_at": ("converted at", "conversion date", "close date", "won at"),
        "lost_at": ("lost at", "lost date"),
    },
    "support_tickets": {
        **_KNOWN,
        "ticket_id": ("ticket id", "ticket number", "ticket", "case number", "id"),
        "opened_at": ("opened at", "created at", "created", "open date", "created date"),
        "customer_ref": (*_PERSON["customer_ref"], "requester id", "requester"),
        "closed_at": ("closed at", "solved at", "resolved at", "close date"),
        "category": ("category", "type", "topic", "ticket type"),
        "priority": ("priority", "prioritat", "priorite"),
        "csat_score": ("csat", "satisfaction score", "satisfaction rating", "rating"),
    },
    "survey_responses": {
        **_KNOWN,
        "response_id": ("response id", "id", "token"),
        "responded_at": (
            "submit date utc", "submitted at", "response date", "date", "completed at",
        ),
        "question": ("question", "survey question"),
        "score": ("score", "nps score", "rating", "nps"),
        "answer": ("answer", "comment", "response", "feedback", "commentaire"),
    },
    "consents": {
        **_KNOWN,
        "changed_at": ("changed at", "consent date", "date", "timestamp", "optin time"),
        "purpose": ("purpose", "consent type"),
        "granted": ("granted", "consent", "opted in", "opt in", "accepts marketing", "subscribed"),
        "channel": ("channel",),
        "source": ("source", "form"),
    },
    "referrals": {
        "referrer_ref": ("referrer id", "referrer", "referred by", "advocate id"),
        "referred_ref": ("referred id", "referred customer", "friend id", "referee id"),
        "referred_at": ("referral date", "date", "created at"),
    },
    "social_mentions": {
        "mention_id": ("mention id", "post id", "id"),
        "occurred_at": ("date", "created at", "posted at", "timestamp"),
        "platform": ("platform", "network", "source"),
        "kind": ("kind", "type", "mention type"),
        "sentiment": ("sentiment", "sentiment score"),
        "customer_ref": _PERSON["customer_ref"],
    },
    "accounts": {
        "account_ref": ("account id", "company id", "company domain name", "record id", "id"),
        "parent_account_ref": ("parent account id", "parent company id", "parent id"),
        "name": ("company name", "account name", "company", "name", "firma"),
        "employees": ("number of employees", "employees", "headcount", "mitarbeiter"),
        "annual_revenue": ("annual revenue", "revenue", "umsatz"),
        "founded_year": ("year founded", "founded"),
        "industry": ("industry", "branche", "sector"),
        "industry_code": ("naics", "sic", "naics code", "sic code", "industry code"),
        "country": ("country", "country region", "country code"),
        "observed_at": ("last modified date", "updated at", "as of"),
    },
    "subscriptions": {
        **_MONEY,
        "subscription_id": ("subscription id", "id"),
        "started_at": (
            "start date", "started", "start date utc", "created utc", "current period start",
        ),
        "customer_ref": _PERSON["customer_ref"],
        "plan": ("plan", "plan name", "product", "price id"),
        "status": ("status", "state"),
        "ended_at": ("ended at utc", "ended", "end date", "cancelled at", "canceled at utc"),
        "trial_ends_at": ("trial end", "trial end utc", "trial ends"),
        "monthly_amount": ("monthly amount", "mrr", "amount"),
    },
    "product_usage": {
        "used_on": ("date", "day", "usage date"),
        "feature": ("feature", "feature name"),
        "uses": ("uses", "count", "usage count", "events"),
        "minutes": ("minutes", "time spent"),
        "customer_ref": _PERSON["customer_ref"],
    },
    "business_events": {
        **_KNOWN,
        "event_id": ("event id", "booking id", "reservation id", "id"),
        "occurred_at": ("booked at", "created at", "timestamp", "date"),
        "event_name": ("event name", "event", "booking type"),
        "subject": ("subject", "destination", "table", "class"),
        "starts_at": ("starts at", "start time", "check in", "arrival"),
        "ends_at": ("ends at", "end time", "check out", "departure"),
        "value": ("value", "amount", "price"),
    },
    "experiment_assignments": {
        "experiment_id": ("experiment id", "experiment", "test name"),
        "customer_ref": _PERSON["customer_ref"],
        "arm": ("arm", "variant", "variation", "group"),
        "assigned_at": ("assigned at", "exposure time", "date"),
    },
    "fx_rates": {
        "rate_date": ("date", "day", "rate date"),
        "currency": ("currency", "currency code"),
        "rate_to_reporting": ("rate", "exchange rate"),
    },
    "erasure_requests": {
        **_PERSON,
        "request_id": ("request id", "id", "case id"),
        "requested_at": ("requested at", "request date", "received at", "date"),
    },
    "market_sizes": {
        "market": ("market",),
        "period_start": ("period start", "year", "date"),
    },
}  # fmt: skip

CONSTANTS: Final = {
    ("marketing_spend", "channel"): "search",
    ("message_events", "channel"): "email",
    ("consents", "purpose"): "marketing",
    ("survey_responses", "question"): "nps",
}
"""Required columns that most exports lack because every row of theirs has the same: an example."""

VALUE_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    # of orders
    "completed": (
        "complete", "fulfilled", "wc-completed", "delivered", "closed", "done", "abgeschlossen",
        "terminee", "voltooid",
    ),
    "paid": ("wc-processing", "processing", "authorized", "partially_refunded", "refunded",
             "partially refunded", "bezahlt", "payee", "betaald"),
    "placed": ("pending", "wc-pending", "on-hold", "wc-on-hold", "new", "open", "offen"),
    "shipped": ("dispatched", "in transit", "versendet", "expediee", "verzonden"),
    "cancelled": (
        "canceled", "voided", "wc-cancelled", "failed", "wc-failed", "expired", "storniert",
        "annulee", "geannuleerd",
    ),
    # of messages
    "sent": ("send", "was sent", "received email"),
    "delivered": ("delivery",),
    "opened": ("open", "opened email", "opens"),
    "clicked": ("click", "clicked email", "clicks"),
    "bounced": ("bounce", "hard bounce", "soft bounce", "hard_bounce", "soft_bounce"),
    "unsubscribed": ("unsub", "unsubscribe"),
    "complained": ("spam", "abuse", "marked as spam", "complaint"),
    # of subscriptions
    "trial": ("trialing", "in trial"),
    "active": ("live", "renewing", "past_due"),
    "paused": ("on hold", "suspended"),
}  # fmt: skip
"""Value of the contract -> what else exports call it; `completed` and its like by entity column."""
