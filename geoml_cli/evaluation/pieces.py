"""An evaluation shared out: what takes long, piece by piece, into what the run keeps for the evaluation that follows.

Pieces are known by what determines them, so that processes need not agree on more than their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

from geoml_cli.errors import SettingsError, StoppedError
from geoml_cli.evaluation.baselines import fitted_baselines, refuse_unknown
from geoml_cli.evaluation.importance import importances
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.kept import block_prediction, blocks_of
from geoml_cli.evaluation.maps import block_sums, folds_of_maps, forecast_blocks
from geoml_cli.evaluation.member_rows import folds_of, members_of, rows_of_fold, scored_rows
from geoml_cli.runs.kept import Computation, KeptArrays
from geoml_cli.work.pieces import Part
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest

Networks = Mapping[str, EvaluationInputs]
_NAMED = 10
"""Missing pieces that a message names."""


class PartOutcome(NamedTuple):
    """A finished part of an evaluation.

    Attributes:
        part: Which.
        pieces: Of the part.
        made: Of them now; others were there.
    """

    part: Part
    pieces: int
    made: int


class Piece(NamedTuple):
    """An array that an evaluation needs.

    Attributes:
        kept: Where it is kept.
        describe: What it is, and how it is computed.
    """

    kept: KeptArrays
    describe: Callable[[], Computation]

    def make(self) -> bool:
        """Compute it, unless it is there; return whether it was not."""
        found = self.kept.found
        self.kept.array(self.describe())
        return self.kept.found == found

    def is_there(self) -> bool:
        """Return whether it is there."""
        return self.kept.holds(self.describe())


def refuse_unshared(networks: Networks, option: str) -> None:
    """Refuse an evaluation that cannot be shared out.

    Raises:
        SettingsError: Nothing is kept.
    """
    for inputs in networks.values():
        if inputs.kept is None:
            raise SettingsError(
                "the parts of an evaluation are kept in the run, which the settings forbid.",
                where=option,
                fix="Leave out evaluate.keep = false and data.verify = false.",
            )
        refuse_unknown(inputs)


def pieces_of(networks: Networks) -> list[Piece]:
    """Return all pieces of an evaluation, the longest kinds first; errors as of `scored_rows`.

    Baselines of tables, each fold's; blocks of rows of each member; the importance of covariates to each member; and
    of networks one after another what each predicts of the first one's rows. Of forecasts of maps the sums of blocks.
    """
    found: list[Piece] = []
    for inputs in networks.values():
        assert inputs.kept is not None, "refused before"
        if inputs.task.maps is not None:
            blocks = [partial(block_sums, inputs, fold, rows) for fold in folds_of_maps(inputs)
                      for rows in forecast_blocks(inputs, fold)]  # fmt: skip
            found += [Piece(inputs.kept, block) for block in blocks]
            continue
        members = scored_rows(inputs)
        described = [*fitted_baselines(inputs, members)]
        described += [
            partial(block_prediction, inputs, one.name, rows)
            for one in members
            for rows in blocks_of(inputs, one.name, one.rows_N)
        ]
        described += [partial(_same, one) for one in importances(inputs, members)]
        found += [Piece(inputs.kept, one) for one in described]
    if len(networks) > 1:
        found += _of_chain(networks)
    return found


def _of_chain(networks: Networks) -> Iterator[Piece]:
    first, *others = networks.values()
    for fold, inputs in product(folds_of(first), others):
        assert inputs.kept is not None, "refused before"
        rows = rows_of_fold(first, fold)
        for name in members_of(inputs, fold):
            described = (partial(block_prediction, inputs, name, block) for block in blocks_of(inputs, name, rows))
            yield from (Piece(inputs.kept, one) for one in described)


def _same(one: Computation) -> Computation:
    return one


def make_part(pieces: Sequence[Piece], part: Part, reporter: Reporter) -> PartOutcome:
    """Compute the pieces of a part that are not there yet.

    Raises:
        StoppedError: A signal came; finished pieces are kept.
        DataError: A covariate is missing.
    """
    own = [piece for number, piece in enumerate(pieces) if part.has(number)]
    made = 0
    with StopRequest() as stop, reporter.task("pieces", len(own)) as advance:
        for piece in own:
            if stop.received:
                raise StoppedError(
                    f"stopped by {stop.received}, finished pieces are kept.", fix="The same command resumes."
                )
            made += piece.make()
            advance(1)
    return PartOutcome(part, len(own), made)


def require_all(pieces: Sequence[Piece]) -> None:
    """Refuse to go on while pieces are missing.

    Raises:
        StoppedError: Some are not there; which.
    """
    missing = [number for number, piece in enumerate(pieces) if not piece.is_there()]
    if missing:
        named = ", ".join(str(number + 1) for number in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise StoppedError(
            f"{len(missing)} of {len(pieces)} pieces are missing: {named}{more}.",
            fix="Compute them with --part, or leave --finish out to compute them here.",
        )
