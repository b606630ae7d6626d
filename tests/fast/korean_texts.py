"""Texts in Korean and English with what each is about, and questions for them.

A concept is listed with the spellings a question may use, then with two texts about it: written as people write titles, joined or
spaced, with particles and neighbours. ``STRAY`` are texts about something else that hold the same syllables. Who wrote this had
seen the list of particles; a set by somebody who had not is still to be had (docs/explain/korean-search.md).
"""

from __future__ import annotations

from dataclasses import dataclass

_CONCEPTS = """
전고체전지|전고체 전지 / 황화물계 전고체전지의 계면 저항 측정 / 리튬 금속 음극을 쓰는 전고체 전지에서 덴드라이트 억제
전해질|고체 전해질 / 산화물 고체전해질 이온전도도 자료 / 고온에서 고체 전해질의 분해를 막는 코팅
급속충전|급속 충전 / 리튬이온셀의 급속충전 프로토콜 최적화 / 저온 급속 충전에서 리튬 석출을 피하는 전류
열폭주|열 폭주 / 배터리 팩 열폭주 전파 모사 / 열 폭주를 늦추는 상변화 물질
양극재|양극 활물질 / 하이니켈 양극재 수명 열화 / 단결정 양극재와 다결정 양극재 비교
음극재|실리콘 음극재 / 실리콘 음극재 부피 팽창 / 흑연 음극재에 붙인 바인더
분리막|전지 분리막 / 세라믹 코팅 분리막의 기공 분포 / 분리막을 얇게 만들 때 생기는 단락
임피던스 분광|임피던스분광 / 전기화학 임피던스 분광으로 본 계면 / 임피던스분광법 자료와 등가회로
등가회로|등가 회로 / 이차 등가회로로 본 셀 전압 / 등가 회로의 매개변수 추정
원자로|경수 원자로 / 소형 원자로의 노심 설계 / 원자로 냉각재 상실 사고 해석
노심|노심 설계 / 노심 장전 모형 최적화 / 고속로 노심의 출력 분포
고속로|나트륨 고속로 / 나트륨냉각 고속로의 피복관 / 고속로와 경수로의 폐기물 비교
핵연료|핵 연료 / 사고저항성 핵연료 피복관 / 핵연료의 연소도와 팽윤
중성자|중성자 수송 / 중성자 수송 방정식의 몬테카를로 해 / 차폐체에서 중성자의 감쇠
붕소|붕소 농도 / 가압경수로 붕소 농도 조절 / 붕소가 든 제어봉의 반응도
단백질|단백질 구조 / 막 단백질의 구조 예측 / 단백질을 설계하는 확산 모형
항체|단일 도메인 항체 / 항체 친화도 성숙 자료 / 바이러스를 중화하는 항체의 서열
용해도|수용해도 / 약물 후보의 용해도 예측 / 온도에 따른 용해도와 결정형
친화도|결합 친화도 / 리간드 결합 친화도 계산 / 표적에 대한 친화도가 높은 분자
독성|간 독성 / 약물 간독성 분류 자료 / 간 독성을 줄이는 치환기
효소|효소 반응 / 가수분해 효소의 열안정성 / 효소를 고정한 반응기
유전자|유전자 발현 / 단일세포 유전자 발현 지도 / 유전자의 편집과 표적 이탈
연산증폭기|연산 증폭기 / 두 단 연산증폭기 트랜지스터 크기 / 저전력 연산 증폭기의 위상 여유
집적회로|집적 회로 / 아날로그 집적회로의 배치 / 광 집적 회로의 손실
회로|회로 설계 / 저잡음 회로 설계와 공정 편차 / 회로의 잡음과 전력
광도파로|광 도파로 / 실리콘 광도파로의 굽힘 손실 / 질화규소 광 도파로 결합기
메모리|저항 메모리 / 저항변화 메모리 소자의 내구성 / 메모리에서의 연산과 정밀도
전력반도체|전력 반도체 / SiC 전력반도체 모듈의 방열 / 산화갈륨 전력 반도체 소자
트랜지스터|박막 트랜지스터 / 산화물 박막트랜지스터 문턱전압 / 트랜지스터의 기생 성분 추출
초전도|고온 초전도 / 고온초전도 선재의 임계전류 / 초전도 큐비트의 결맞음
상전이|상 전이 / 강유전체의 상전이 온도 / 구조 상 전이를 보는 산란 자료
합금|고엔트로피 합금 / 고엔트로피합금의 조성 탐색 / 내열 합금의 크리프
촉매|수전해 촉매 / 수전해 촉매의 과전압 / 백금 촉매를 대신하는 화합물
연료전지|연료 전지 / 고체산화물 연료전지 열응력 / 수소 연료 전지의 막 가습
태양전지|태양 전지 / 페로브스카이트 태양전지의 수명 / 탠덤 태양 전지와 빛 가둠
수소 저장|수소저장 / 금속수소화물 수소저장 합성 / 수소 저장을 위한 다공체
난류|난류 모형 / 벽 난류의 직접 수치 모사 / 난류를 배우는 신경망
유한요소|유한 요소 / 균열 진전의 유한요소 해석 / 비선형 유한 요소 풀이
베이즈 최적화|베이즈최적화 / 제약이 있는 베이즈 최적화 / 실험 계획과 베이즈최적화 비교
대리 모형|대리모형 / 다중충실도 대리 모형 / 대리모형으로 줄인 모의실험
불확실성|불확실성 정량화 / 신경망 예측의 불확실성 보정 / 측정 불확실성을 담은 자료
강화학습|강화 학습 / 핵융합 플라스마 제어 강화학습 / 로봇 실험실의 강화 학습
핵융합|핵 융합 / 토카막 핵융합 붕괴 예측 / 핵 융합 재료의 조사 손상
플라스마|플라스마 제어 / 저온 플라스마 식각 / 플라스마에서 나오는 이온의 에너지
로봇|실험 로봇 / 액체 분주 로봇의 정확도 / 로봇과 사람이 함께 하는 합성
분광|라만 분광 / 라만 분광 스펙트럼 자료 / 적외선 분광으로 본 표면
회절|엑스선 회절 / 엑스선 회절 무늬의 색인 / 전자 회절과 변형률
밀도범함수|밀도 범함수 / 밀도범함수 계산의 수렴 / 밀도 범함수로 얻은 띠 구조
분자동역학|분자 동역학 / 분자동역학 힘장 학습 / 긴 시간 분자 동역학과 표본 추출
이산화탄소|이산화탄소 포집 / 이산화탄소 포집 흡착제 / 이산화탄소의 전기화학적 환원
LiFePO4|LiFePO4 양극 / LiFePO4 양극의 율 특성 / 카본 코팅 LiFePO4 합성
NMC811|NMC811 셀 / NMC811 셀 사이클 자료 / NMC811 입자의 균열
PyBaMM|PyBaMM 모형 / PyBaMM 모형 매개변수 묶음 / PyBaMM으로 푼 다공성 전극
surrogate|surrogate model / A surrogate model for cheap simulations / Calibrated surrogates with uncertainty
battery|fast charging battery / Fast charging of a battery without plating / Ageing of batteries in the cold
"""

STRAY = (
    "고전 지식의 체계와 서사",
    "원자 로그 파일의 형식",
    "상전 이야기와 지역 문화",
    "해질 녘 전국의 일사량",
    "고속 로켓 날개의 진동",
    "신뢰 도메인 분리",
    "충전 급속 증가 통계",
    "회전 절삭 가공",
    "반응 로그와 사용자",
    "초전 도시 계획",
    "용해 도표 읽기",
    "수소 원자의 저장소 이름",
)

_ENDINGS = {True: ("을", "은", "이", "과", "으로", "에서의"), False: ("를", "는", "가", "와", "로", "에서의")}


@dataclass(frozen=True)
class Asked:
    """A question, its kind, and the numbers of the texts that answer it."""

    text: str
    kind: str
    answers: frozenset[int]


def _parts() -> list[tuple[list[str], list[str]]]:
    lines = [line.split(" / ") for line in _CONCEPTS.strip().splitlines()]
    return [(line[0].split("|"), line[1:]) for line in lines]


TEXTS: tuple[str, ...] = (*(text for _names, texts in _parts() for text in texts), *STRAY)


def questions() -> list[Asked]:
    """Each concept as listed, joined, in other spellings, and with particles; which texts answer is read off them."""
    asked: dict[str, Asked] = {}
    for names, _texts in _parts():
        for name in names:
            kind = "two syllables" if len(name) == 2 else "spaced" if " " in name else "joined"
            kind = "mixed" if name.isascii() or any(one.isascii() and one.isalpha() for one in name) else kind
            asked.setdefault(name, Asked(name, kind, _answers(name)))
            joined = name if kind == "mixed" else name.replace(" ", "")
            asked.setdefault(joined, Asked(joined, "joined", _answers(joined)))
            last = name[-1]
            if "가" <= last <= "힣":
                closed = (ord(last) - ord("가")) % 28 > 0
                for ending in _ENDINGS[closed]:
                    asked.setdefault(name + ending, Asked(name + ending, "particle", _answers(name)))
    return [one for one in asked.values() if one.answers]


def _answers(name: str) -> frozenset[int]:
    """The texts that hold every word of a concept, joined or spaced, as a person would find them."""
    return frozenset(
        number for number, text in enumerate(TEXTS) if all(_holds(text, word) for word in name.split()) and text not in STRAY
    )


def _holds(text: str, word: str) -> bool:
    """Whether a word stands in a text, spaces left out; English words count in the plural too."""
    plain, sought = text.lower().replace(" ", ""), word.lower()
    return sought in plain or (sought.isascii() and sought.endswith("y") and f"{sought[:-1]}ies" in plain)
