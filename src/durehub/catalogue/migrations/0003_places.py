"""Records get a place in the order of publication, by which the full-text index is ordered from now on."""

from datetime import UTC, datetime, timedelta

from django.db import migrations, models

_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_TABLE = "catalogue_words"


def place(apps, schema_editor):
    last = 0
    for record in apps.get_model("catalogue", "Record").objects.order_by("published", "handle").iterator():
        record.place = last = max((record.published - _BEGAN) // timedelta(microseconds=1), last + 1)
        record.save(update_fields=["place"])
    # Places are far above all keys, so no row takes another's number on the way.
    schema_editor.execute(
        f"UPDATE {_TABLE} SET rowid = (SELECT place FROM catalogue_record WHERE catalogue_record.id = {_TABLE}.rowid)"
    )


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0002_words")]
    operations = [
        migrations.CreateModel(
            name="Words",
            fields=[],
            options={"db_table": _TABLE, "managed": False},
        ),
        migrations.AddField("record", "place", models.BigIntegerField(default=0)),
        migrations.RunPython(place, migrations.RunPython.noop),
        migrations.AlterField("record", "place", models.BigIntegerField(default=0, unique=True)),
        migrations.RemoveIndex("record", "newest_first"),
        migrations.RemoveIndex("record", "of_an_owner"),
        *(
            migrations.AddIndex("record", models.Index(fields=[name, "place"], name=f"newest_by_{name}"))
            for name in ("owner", "kind", "domain", "licence", "organisation")
        ),
    ]
